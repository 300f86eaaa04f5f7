//! What a short command does around its work: opens the log, the data folder and the database, beside a running service
//! or without one, and closes them on every way out.

use anyhow::ensure;
use services::context::Context;

use crate::config::Loaded;
use crate::database::{Database, Sharing};
use crate::{data_dir, telemetry, wiring};

/// Does `work` on an open database whose schema is this program's.
pub(super) async fn with_context<T>(
    loaded: Loaded,
    work: impl AsyncFnOnce(Context) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    telemetry::install_log(&loaded.config.log)?;
    let folder = data_dir::prepare(&loaded.config)?;
    let database = Database::open(&loaded.config, &folder, Sharing::Shared).await?;
    let outcome = Box::pin(async {
        let context = wiring::context(&loaded.config, &folder, &database).await?;
        let outcome = match require_schema(&context).await {
            Ok(()) => work(context.clone()).await,
            Err(error) => Err(error),
        };
        context.close().await;
        outcome
    })
    .await;
    database.close().await;
    outcome
}

/// Refuses a database that another version of the program has migrated.
pub(super) async fn require_schema(context: &Context) -> anyhow::Result<()> {
    let version = store::migrate::current(&mut *context.connection().await?).await?;
    let latest = store::migrate::latest();
    ensure!(
        version == latest,
        "the database stands at version {version}, this program is for {latest}; run `owncircle migrate` first"
    );
    Ok(())
}
