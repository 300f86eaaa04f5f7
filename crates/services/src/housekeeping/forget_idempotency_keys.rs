//! Job: forgets the answers that were kept to be given again.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::{STEP, forget};
use crate::context::Context;

/// How long a request may be repeated and gets the same answer.
const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetIdempotencyKeys;

impl Job for ForgetIdempotencyKeys {
    const NAME: &'static str = "housekeeping.forget_idempotency_keys";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for ForgetIdempotencyKeys {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        forget(&ctx, &run, KEPT_FOR, |conn, before| {
            Box::pin(store::kept_answers::forget(conn, before, STEP.into()))
        })
        .await
    }
}
