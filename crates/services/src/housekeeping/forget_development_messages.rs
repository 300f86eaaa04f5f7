//! Job: empties the development outbox.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::forget;
use crate::context::Context;

/// How long a message is shown.
const KEPT_FOR: TimeDelta = TimeDelta::days(7);

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetDevelopmentMessages;

impl Job for ForgetDevelopmentMessages {
    const NAME: &'static str = "housekeeping.forget_development_messages";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for ForgetDevelopmentMessages {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        forget(&ctx, &run, KEPT_FOR, |conn, before| {
            Box::pin(store::development_outbox::delete_before(conn, before))
        })
        .await
    }
}
