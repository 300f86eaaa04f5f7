//! Job: drops the months of events that whoever follows them had time to read. Whole partitions go, so an event stays for
//! up to a month longer than it must.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::first_id_of;
use crate::context::Context;
use crate::transaction;

/// How long an event can be read at least.
const KEPT_FOR: TimeDelta = TimeDelta::days(14);

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetOutboxEvents;

impl Job for ForgetOutboxEvents {
    const NAME: &'static str = "housekeeping.forget_outbox_events";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for ForgetOutboxEvents {
    async fn run(self, ctx: Context, _: JobRun) -> Result<(), JobError> {
        let before = first_id_of(ctx.clock().now() - KEPT_FOR);
        let dropped = transaction::run(&ctx, before, |conn, before| {
            Box::pin(store::partitions::drop_events(conn, *before))
        })
        .await
        .map_err(JobError::retry)?;
        if !dropped.is_empty() {
            tracing::info!(?dropped, "events were forgotten");
        }
        Ok(())
    }
}
