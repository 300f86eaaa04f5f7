//! Gives a dead letter all its attempts again.

use ::jobs::admin::{self, Filter};
use domain::audit::{Action, ObjectKind};
use domain::rights::OperatorRole;
use sqlx::PgConnection;
use store::error::StoreError;

use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::transaction;

/// Why nothing will run again.
#[derive(Debug, thiserror::Error)]
pub enum RetryJobError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such job; those that succeeded are gone.
    #[error("unknown job")]
    Unknown,
    /// The job is not a dead letter: it waits, runs, or a newer one has taken its place.
    #[error("the job is not a dead letter")]
    NotDead,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a dead letter due at once.
///
/// # Errors
/// See [`RetryJobError`].
pub async fn retry_job(
    ctx: &Context,
    caller: &OperatorCaller,
    id: i64,
) -> Result<(), RetryJobError> {
    caller.require(OperatorRole::Admin)?;
    transaction::run(ctx, (ctx.clone(), id), |conn, (ctx, id)| {
        Box::pin(async move {
            let revived = admin::retry(conn, *id, ctx.clock().now()).await;
            if revived.map_err(StoreError)? {
                let entry = Entry::of(Action::JobRetry, ObjectKind::Job).id(id);
                audit_log::record(conn, ctx, entry).await?;
                return Ok(());
            }
            Err(if exists(conn, *id).await? {
                RetryJobError::NotDead
            } else {
                RetryJobError::Unknown
            })
        })
    })
    .await
}

async fn exists(conn: &mut PgConnection, id: i64) -> Result<bool, StoreError> {
    let newest = Filter {
        before: id.checked_add(1),
        ..Filter::default()
    };
    let rows = admin::list(conn, newest, 1).await.map_err(StoreError)?;
    Ok(rows.first().is_some_and(|row| row.id == id))
}
