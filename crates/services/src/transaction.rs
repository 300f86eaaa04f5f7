//! The only place that opens transactions. It commits when the work succeeds, rolls back when it fails, and starts
//! again, a few times, when the database says that the transaction lost against another.
//!
//! What belongs to one business is there only for a context that says whose it is ([`crate::tenant`]).
//!
//! The work runs in a task of its own: a client that hangs up cancels nothing half-way, and the connection returns
//! to the pool with no transaction open.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use sqlx::{Connection as _, PgConnection};
use store::error::StoreError;
use tracing::Instrument;

use crate::audit_log::origin;
use crate::context::Context;
use crate::touched;

/// A boxed future of work inside a transaction.
pub type Work<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

/// How often one piece of work is begun before its error is given back.
const TRIES: u32 = 3;

/// Runs `work` in a transaction and commits it. `input` is lent to every try:
///
/// ```ignore
/// let posted = transaction::run(ctx, (ctx.clone(), input), |conn, (ctx, input)| {
///     Box::pin(async move { post(conn, ctx, input).await })
/// })
/// .await?;
/// ```
///
/// # Errors
/// The work's own error; a failure of the database as `E::from(StoreError)`.
pub async fn run<I, T, E, F>(ctx: &Context, input: I, work: F) -> Result<T, E>
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: Error + From<StoreError> + Send + 'static,
    F: for<'c> Fn(&'c mut PgConnection, &'c I) -> Work<'c, T, E> + Send + Sync + 'static,
{
    let ctx = ctx.clone();
    let work = async move {
        let mut tries = 1;
        loop {
            match touched::forgetting(&ctx, attempt(&ctx, &input, &work)).await {
                Err(error) if tries < TRIES && is_retryable(&error) => {
                    tracing::debug!(tries, %error, "the transaction lost against another and starts again");
                    metrics::counter!("transactions_retried_total").increment(1);
                    tries += 1;
                }
                result => return result,
            }
        }
    };
    let work = origin::keeping(origin::current(), work);
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(E::from(StoreError(sqlx::Error::WorkerCrashed))),
    }
}

/// How long a transaction waits for locks of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as its connection does.
    Usual,
    /// A tenth of a second; a statement may take five seconds.
    Short,
}

impl Patience {
    /// One message to the server, whatever it holds.
    fn begin(self) -> &'static str {
        match self {
            Self::Usual => "BEGIN",
            Self::Short => {
                "BEGIN; SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = '5s'"
            }
        }
    }
}

/// Runs `work` once in a transaction of the caller's own connection and commits it, for whom the connection is marked.
/// The caller sees to it that nobody cancels it, and to what happens when it fails.
///
/// # Errors
/// The work's own error. A failure of the database as `E::from(StoreError)`; when not even the rollback succeeds, that
/// failure is told, because the connection is of no more use.
pub(crate) async fn on<I, T, E, F>(
    conn: &mut PgConnection,
    patience: Patience,
    input: &I,
    work: F,
) -> Result<T, E>
where
    I: Sync,
    E: From<StoreError>,
    F: for<'c> FnOnce(&'c mut PgConnection, &'c I) -> Work<'c, T, E>,
{
    let begun = conn.begin_with(patience.begin()).await;
    let mut transaction = begun.map_err(StoreError)?;
    match work(&mut transaction, input).await {
        Ok(value) => {
            transaction.commit().await.map_err(StoreError)?;
            Ok(value)
        }
        Err(error) => {
            transaction.rollback().await.map_err(StoreError)?;
            Err(error)
        }
    }
}

/// One try, from begin to commit. Dropping an uncommitted transaction rolls it back.
async fn attempt<I, T, E, F>(ctx: &Context, input: &I, work: &F) -> Result<T, E>
where
    E: From<StoreError>,
    F: for<'c> Fn(&'c mut PgConnection, &'c I) -> Work<'c, T, E>,
{
    let mut transaction = ctx.tenant().open(ctx.pool(), "BEGIN").await?;
    match work(&mut transaction, input).await {
        Ok(value) => {
            transaction.commit().await.map_err(StoreError)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(failure) = transaction.rollback().await {
                tracing::warn!(%failure, "a rollback failed; the connection is dropped");
            }
            Err(error)
        }
    }
}

/// Whether somewhere in the chain of causes the database asks to run the transaction again.
fn is_retryable(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(store) = error.downcast_ref::<StoreError>() {
            return store.is_retryable();
        }
        // A transparent variant shows not its StoreError but what that is caused by.
        if let Some(database) = error.downcast_ref::<sqlx::Error>() {
            return store::error::is_retryable(database);
        }
        cause = error.source();
    }
    false
}
