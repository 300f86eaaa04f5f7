//! Job: drops events that whoever follows them had time to read.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::{STEP, first_id_of, forget};
use crate::context::Context;

/// How long an event can be read.
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
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        forget(&ctx, &run, KEPT_FOR, |conn, before| {
            Box::pin(store::outbox_events::drop_before(
                conn,
                first_id_of(before),
                STEP.into(),
            ))
        })
        .await
    }
}
