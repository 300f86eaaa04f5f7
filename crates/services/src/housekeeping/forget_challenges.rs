//! Job: forgets what passkeys were asked to sign and nobody answered in time, and tries in vain of long ago.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::{STEP, forget};
use crate::context::Context;

/// Counted from the end of a challenge.
const CHALLENGES_KEPT_FOR: TimeDelta = TimeDelta::hours(1);

/// Counted from the last try, and longer while somebody waits: tries in a row are forgiven by a good one alone, and a row
/// that nobody has touched for a year holds nobody up.
const TRIES_KEPT_FOR: TimeDelta = TimeDelta::days(400);

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetChallenges;

impl Job for ForgetChallenges {
    const NAME: &'static str = "housekeeping.forget_challenges";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for ForgetChallenges {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        forget(&ctx, &run, CHALLENGES_KEPT_FOR, |conn, before| {
            Box::pin(store::passkeys::forget_challenges(
                conn,
                before,
                STEP.into(),
            ))
        })
        .await?;
        forget(&ctx, &run, TRIES_KEPT_FOR, |conn, before| {
            Box::pin(store::sign_in_tries::forget(conn, before, STEP.into()))
        })
        .await
    }
}
