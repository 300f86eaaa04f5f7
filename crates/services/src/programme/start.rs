//! At every start: makes the first settings, and refuses a master key that is not this database's.

use domain::programme::ProgrammeSettings;
use store::error::StoreError;

use crate::context::Context;
use crate::transaction;

/// Why the service must not start on this database.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database was made under another master key; under this one nothing sealed would open.
    #[error(
        "the master key is not the one that this database was made with: \
         phones, names and signing keys would not open. Give the right key (master_key or master_key_file)"
    )]
    OtherMasterKey,
    /// The settings to begin with are not possible.
    #[error("the programme can't begin with these settings: {0}")]
    Settings(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the programme's row from `starting` if there is none, and compares the master key.
///
/// # Errors
/// See [`StartError`].
pub async fn start(ctx: &Context, starting: &ProgrammeSettings) -> Result<(), StartError> {
    if let Some((pointer, allowed)) = starting.faults().first() {
        return Err(StartError::Settings(format!("{pointer}: {allowed}")));
    }
    let settings =
        serde_json::to_value(starting).map_err(|error| StartError::Settings(error.to_string()))?;
    let input = (ctx.clone(), settings);
    let kept = transaction::run(ctx, input, |conn, (ctx, settings)| {
        Box::pin(async move {
            let check = ctx.vault().check();
            store::programme::insert_first(conn, settings, check, ctx.clock().now()).await?;
            store::programme::set_master_key_check(conn, check).await?;
            let row = store::programme::get(conn).await?;
            Ok::<_, StoreError>(row.and_then(|row| row.master_key_check))
        })
    })
    .await?;
    if kept.as_deref() == Some(ctx.vault().check().as_slice()) {
        Ok(())
    } else {
        Err(StartError::OtherMasterKey)
    }
}
