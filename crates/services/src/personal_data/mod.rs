//! The rights of a person over his data (export, erasure) and the change of the keys that protect it. Export and erasure
//! want a sign-in of the last five minutes and are done by jobs.

pub mod erase;
pub mod erase_member;
pub mod export;
pub mod forget_exports;
pub mod make_export;
pub mod reseal;

use chrono::{DateTime, TimeDelta, Utc};
use jobs::{EnqueueError, Job};
use sqlx::PgConnection;
use store::error::StoreError;

use crate::caller::MemberCaller;
use crate::context::Context;

/// How long ago a sign-in may be for what can't be undone or tells all.
const RECENT: TimeDelta = TimeDelta::minutes(5);

/// Whether the caller proved who he is a moment ago.
async fn is_recent(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<bool, StoreError> {
    let session = store::sessions::get(conn, caller.session).await?;
    Ok(session.is_some_and(|session| ctx.clock().now() - session.auth_time <= RECENT))
}

/// Puts a job into the caller's transaction.
async fn enqueue<J: Job>(
    conn: &mut PgConnection,
    job: &J,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    match jobs::enqueue(conn, job, at).await {
        Ok(_) => Ok(()),
        Err(EnqueueError::Database(error)) => Err(StoreError(error)),
        Err(error) => Err(StoreError(sqlx::Error::Encode(Box::new(error)))),
    }
}
