//! Job: forgets sign-ins that are over, with their cards and tokens.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::{STEP, forget};
use crate::context::Context;

/// Counted from the sign-in; longer than the longest one lives, 90 days.
const KEPT_FOR: TimeDelta = TimeDelta::days(100);

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetSignIns;

impl Job for ForgetSignIns {
    const NAME: &'static str = "housekeeping.forget_sign_ins";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for ForgetSignIns {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        forget(&ctx, &run, KEPT_FOR, |conn, before| {
            Box::pin(store::sessions::forget(conn, before, STEP.into()))
        })
        .await
    }
}
