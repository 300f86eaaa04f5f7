//! A shard's connection: opened when it is needed, kept between groups, opened anew when it broke.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use sqlx::{Connection as _, PgConnection};
use store::error::StoreError;
use tokio::time::Instant;

use super::order::{Order, Outcome};
use super::recovery::{Fault, Part};
use crate::context::Context;
use crate::loyalty::posting::{self, Stage};
use crate::touched;
use crate::transaction::{self, Patience};

/// How long a database that is away is waited for; while it stays away, each group tries once.
const AWAY_PATIENCE: Duration = Duration::from_secs(3);

/// How long one attempt to connect may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// How long a run may take before its connection counts as lost; the server gives up sooner.
const RUN_PATIENCE: Duration = Duration::from_secs(20);

/// A connection that was not used for so long may have been forgotten by what stands between us and the server.
const IDLE_PATIENCE: Duration = Duration::from_secs(300);

/// The shortest and the longest pause between two attempts to connect.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Session {
    conn: Option<(PgConnection, Instant)>,
    away: bool,
}

impl Session {
    /// Runs a part of a group once: with two statements if that is enough, else in a transaction.
    pub(super) async fn run(
        &mut self,
        ctx: &Context,
        orders: &[Order],
        part: &Part,
    ) -> Result<Vec<Outcome>, Fault> {
        let stage = Stage::of(ctx, orders).await.map_err(not_set)?;
        let mut conn = self.connection(ctx).await?;
        let patience = if part.hasty {
            Patience::Short
        } else {
            Patience::Usual
        };
        let run = async {
            // Whoever lost a race, or may be doubled, holds on to the wallets while it decides.
            if part.is_first_try() {
                let posting = posting::post_unlocked(&mut conn, ctx, &stage, orders);
                if let Some(outcomes) = Box::pin(guarded(posting)).await? {
                    return Ok(outcomes);
                }
            }
            let input = (ctx, &stage, orders);
            transaction::on(&mut conn, patience, &input, |conn, (ctx, stage, orders)| {
                Box::pin(guarded(posting::post_group(conn, ctx, stage, orders)))
            })
            .await
        };
        let run = touched::forgetting(ctx, run);
        let done = tokio::time::timeout(RUN_PATIENCE, run).await;
        let done = done.unwrap_or_else(|_| Err(Fault::Lost(silent())));
        if !matches!(done, Err(Fault::Lost(_))) {
            self.conn = Some((conn, Instant::now()));
        }
        done
    }

    /// The connection, which is given back by whoever finds it whole.
    async fn connection(&mut self, ctx: &Context) -> Result<PgConnection, Fault> {
        match self.conn.take() {
            Some((conn, used)) if used.elapsed() < IDLE_PATIENCE => return Ok(conn),
            _ => {}
        }
        let begun = Instant::now();
        let mut pause = SHORTEST_PAUSE;
        loop {
            let opening = store::pool::connect_one(ctx.pool());
            let error = match tokio::time::timeout(CONNECT_PATIENCE, opening).await {
                Ok(Ok(conn)) => {
                    self.away = false;
                    return Ok(conn);
                }
                Ok(Err(error)) => error,
                Err(_) => silent(),
            };
            tracing::warn!(%error, "no connection for posting");
            if self.away || begun.elapsed() + pause > AWAY_PATIENCE {
                self.away = true;
                return Err(Fault::Away(error));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Says good-bye to the server.
    pub(super) async fn close(self) {
        if let Some((conn, _)) = self.conn
            && let Err(error) = conn.close().await
        {
            tracing::debug!(%error, "a connection was not closed in order");
        }
    }
}

/// A decision that panics is a fault like another.
async fn guarded<T>(posting: impl Future<Output = Result<T, StoreError>>) -> Result<T, Fault> {
    match AssertUnwindSafe(posting).catch_unwind().await {
        Ok(posted) => posted.map_err(Fault::from),
        Err(_) => Err(Fault::Panicked),
    }
}

fn silent() -> StoreError {
    let silent = std::io::Error::from(std::io::ErrorKind::TimedOut);
    StoreError(sqlx::Error::Io(silent))
}

/// What decisions need could not be read, which is asked for outside the transaction.
fn not_set(error: StoreError) -> Fault {
    if error.is_unavailable() {
        Fault::Away(error)
    } else {
        Fault::Refused(error)
    }
}
