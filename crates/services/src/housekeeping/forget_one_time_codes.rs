//! Job: forgets one-time codes, phones without failures, and counters of limits whose time is over.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::{STEP, forget};
use crate::context::Context;

/// Longer than the longest time over which codes to one phone are counted, a day.
const KEPT_FOR: TimeDelta = TimeDelta::days(2);

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetOneTimeCodes;

impl Job for ForgetOneTimeCodes {
    const NAME: &'static str = "housekeeping.forget_one_time_codes";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for ForgetOneTimeCodes {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        forget(&ctx, &run, KEPT_FOR, |conn, before| {
            Box::pin(store::one_time_codes::delete_before(conn, before))
        })
        .await?;
        forget(&ctx, &run, TimeDelta::zero(), |conn, before| {
            let step = i64::from(STEP);
            Box::pin(store::limit_counters::delete_before(conn, before, step))
        })
        .await
    }
}
