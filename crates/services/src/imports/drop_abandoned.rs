//! Job: drops what nobody will finish: files that broke off on their way, and imports at which nothing happens any more.
//! Files hold personal data and are not kept longer than they are worked on.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};
use store::error::StoreError;

use super::run::{self, RunError};
use crate::context::Context;
use crate::transaction;

/// How long a broken upload is kept, in hours.
const UPLOAD_HOURS: i64 = 24;

/// How long an import waits for somebody to go on with it, in days.
const IMPORT_DAYS: i64 = 7;

/// How many are dropped at a time.
const GROUP: i64 = 100;

/// The payload: nothing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct DropAbandonedImports;

impl Job for DropAbandonedImports {
    const NAME: &'static str = "imports.drop_abandoned";
    const MAX_ATTEMPTS: i16 = 3;

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

impl Handler<Context> for DropAbandonedImports {
    async fn run(self, ctx: Context, _job: JobRun) -> Result<(), JobError> {
        drop_abandoned(&ctx).await.map_err(JobError::retry)?;
        Ok(())
    }
}

/// Drops broken uploads and gives up forgotten imports; says how many there were.
///
/// # Errors
/// [`StoreError`] from the database; what was dropped stays dropped.
pub async fn drop_abandoned(ctx: &Context) -> Result<usize, StoreError> {
    let (ctx, now) = (&ctx.across(), ctx.clock().now());
    let uploads = TimeDelta::hours(UPLOAD_HOURS);
    let imports = TimeDelta::days(IMPORT_DAYS);
    let mut dropped = 0;
    for (whole, age) in [(false, uploads), (true, imports)] {
        let mut conn = ctx.connection().await?;
        let found =
            store::imports::abandoned_across_businesses(&mut conn, whole, now - age, GROUP).await?;
        drop(conn);
        dropped += found.len();
        for import in found {
            if whole {
                let failure = ("abandoned", "nobody has gone on with it for a week");
                match run::give_up(ctx, import, failure).await {
                    Ok(_) | Err(RunError::Unknown) => {}
                    Err(RunError::Store(error)) => return Err(error),
                    Err(error @ RunError::Engine(_)) => {
                        tracing::error!(%import, %error, "an abandoned import can't be ended");
                    }
                }
            } else {
                transaction::run(ctx, import, |conn, import| {
                    Box::pin(store::imports::discard(conn, *import))
                })
                .await?;
            }
        }
    }
    Ok(dropped)
}
