//! Job: forgets which rotating codes were used, long after they could be used again.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::{STEP, forget};
use crate::context::Context;

/// A code lives for less than two minutes.
const KEPT_FOR: TimeDelta = TimeDelta::days(1);

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetMemberCodes;

impl Job for ForgetMemberCodes {
    const NAME: &'static str = "housekeeping.forget_member_codes";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for ForgetMemberCodes {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        forget(&ctx, &run, KEPT_FOR, |conn, before| {
            Box::pin(store::used_member_codes::forget(conn, before, STEP.into()))
        })
        .await
    }
}
