//! Whether this process can serve: the database answers in time, and its schema is the one that we were built for.

use std::time::Duration;

pub use shared_state::Health;

use crate::context::Context;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the database says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseHealth {
    /// It answers, and its schema is ours or newer.
    Ready,
    /// It answers, but migrations are missing.
    SchemaBehind {
        /// The version that it has.
        current: i64,
        /// The version that we were built for.
        wanted: i64,
    },
    /// It does not answer, or not in time.
    Unreachable,
}

/// Asks the database, with a time limit of two seconds.
pub async fn database(ctx: &Context) -> DatabaseHealth {
    let asked = async {
        let mut connection = ctx.pool().acquire().await?;
        store::migrate::current(&mut connection).await
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(current)) if current >= store::migrate::latest() => DatabaseHealth::Ready,
        Ok(Ok(current)) => DatabaseHealth::SchemaBehind {
            current,
            wanted: store::migrate::latest(),
        },
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer the health check");
            DatabaseHealth::Unreachable
        }
        Err(_) => {
            tracing::warn!("the database takes too long to answer the health check");
            DatabaseHealth::Unreachable
        }
    }
}
