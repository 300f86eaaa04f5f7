//! Job: changes the key that signs access tokens, once a month.

use chrono::TimeDelta;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::signing_keys::{self, Haste, SigningKeyError};
use crate::context::Context;

/// How long one key signs.
const SIGNS_FOR: TimeDelta = TimeDelta::days(30);

/// The payload: nothing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RotateKeys;

impl Job for RotateKeys {
    const NAME: &'static str = "auth.rotate_keys";
    const MAX_ATTEMPTS: i16 = 5;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for RotateKeys {
    async fn run(self, ctx: Context, _run: JobRun) -> Result<(), JobError> {
        rotate_if_due(&ctx)
            .await
            .map(|_| ())
            .map_err(JobError::retry)
    }
}

/// Rotates the keys if the current one has signed for a month; answers whether it was so. Keys that are missing are
/// made.
///
/// # Errors
/// See [`SigningKeyError`].
pub async fn rotate_if_due(ctx: &Context) -> Result<bool, SigningKeyError> {
    signing_keys::ensure(ctx).await?;
    signing_keys::drop_over(ctx).await?;
    let since = ctx.clock().now() - SIGNS_FOR;
    let due = signing_keys::list(ctx)
        .await?
        .iter()
        .any(|key| key.state == "current" && key.changed_at <= since);
    if !due {
        return Ok(false);
    }
    match signing_keys::rotate(ctx, Haste::WhenKnown).await {
        Ok(_) => Ok(true),
        // It was made anew a moment ago, because the one before it was revoked: tomorrow, then.
        Err(SigningKeyError::NextTooYoung) => Ok(false),
        Err(error) => Err(error),
    }
}
