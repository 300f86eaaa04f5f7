//! Job: forgets what people at tills credited, long after the last limit that counts it.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::{STEP, forget};
use crate::context::Context;

/// Longer than the longest time over which credits are counted, a day of the programme's zone, whichever that is.
const KEPT_FOR: TimeDelta = TimeDelta::days(3);

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetStaffCredits;

impl Job for ForgetStaffCredits {
    const NAME: &'static str = "housekeeping.forget_staff_credits";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for ForgetStaffCredits {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        forget(&ctx.across(), &run, KEPT_FOR, |conn, before| {
            Box::pin(store::staff_credits::forget_across_businesses(
                conn,
                before,
                STEP.into(),
            ))
        })
        .await
    }
}
