//! Seals entries into the chain, off the path of requests: every few seconds a worker takes whatever waits. Which entry
//! waits is known exactly, so that the order of commits does not matter. One worker at a time writes.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::PgConnection;
use store::audit_chain::{self, LinkRow};
use store::error::StoreError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::anchor::{self, AnchorError, Head};
use super::link;
use crate::context::Context;
use crate::transaction;

/// How often a worker looks for entries; a seal is at most this late, and the time that sealing takes.
const EVERY: Duration = Duration::from_secs(5);

/// How many entries one transaction seals.
const BATCH: u16 = 500;

/// Why entries were not sealed, or the head was not anchored.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The head was not written to its file.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals entries and anchors the head until `stop`, once more then.
pub async fn keep_sealing(ctx: Context, stop: CancellationToken) {
    let mut sealer = Sealer::new(&ctx, ctx.config().audit_anchors.clone());
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            _ = ticks.tick() => false,
        };
        if let Err(error) = sealer.turn().await {
            tracing::warn!(%error, "the audit log was not sealed; the next turn tries again");
            metrics::counter!("audit_log_seal_failures_total").increment(1);
        }
        if stopped {
            return;
        }
    }
}

/// One worker's part: what it seals and where it anchors.
#[derive(Debug)]
pub struct Sealer {
    ctx: Context,
    folder: Option<PathBuf>,
    anchored: i64,
}

impl Sealer {
    /// A sealer that anchors in this folder, if it is given one.
    #[must_use]
    pub fn new(ctx: &Context, folder: Option<PathBuf>) -> Self {
        Self {
            ctx: ctx.clone(),
            folder,
            anchored: 0,
        }
    }

    /// Seals what waits, tells the lag, and anchors the head if it has moved.
    ///
    /// # Errors
    /// [`SealError`]; what was sealed stays so.
    pub async fn turn(&mut self) -> Result<(), SealError> {
        while seal(&self.ctx).await? == usize::from(BATCH) {}
        let mut conn = self.ctx.connection().await?;
        let waiting = audit_chain::waiting(&mut conn).await?;
        let head = audit_chain::head(&mut conn).await?;
        drop(conn);
        let age = waiting.oldest.map(|oldest| self.ctx.clock().now() - oldest);
        let lag = age.map_or(0, |age| age.num_seconds().max(0));
        metrics::gauge!("audit_log_lag_seconds")
            .set(f64::from(i32::try_from(lag).unwrap_or(i32::MAX)));
        let Some(head) = head else {
            return Ok(());
        };
        if head.sequence < self.anchored {
            tracing::error!(
                anchored = self.anchored,
                ends_at = head.sequence,
                "the audit log is shorter than it was; `owncircle audit --log` names what is missing"
            );
        }
        if let Some(folder) = &self.folder
            && head.sequence != self.anchored
        {
            let head = Head {
                sequence: head.sequence,
                hash: head.hash,
            };
            self.anchored = head.sequence;
            anchor::append(&self.ctx, folder.clone(), head).await?;
        }
        Ok(())
    }
}

/// Seals the entries that wait, at most so many; answers how many it were. None while another worker does it.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn seal(ctx: &Context) -> Result<usize, StoreError> {
    transaction::run(ctx, ctx.clone(), |conn, ctx| Box::pin(batch(conn, ctx))).await
}

async fn batch(conn: &mut PgConnection, ctx: &Context) -> Result<usize, StoreError> {
    if !audit_chain::try_lock(conn).await? {
        return Ok(0);
    }
    let entries = audit_chain::unsealed(conn, BATCH.into()).await?;
    if entries.is_empty() {
        return Ok(0);
    }
    let head = audit_chain::head(conn).await?;
    let (mut sequence, mut previous) = head.map_or((0, link::BEGINNING.to_vec()), |head| {
        (head.sequence, head.hash)
    });
    let sealed_at = ctx.clock().now();
    let mut links = Vec::with_capacity(entries.len());
    for entry in &entries {
        sequence += 1;
        let hash = link::hash(&previous, sequence, sealed_at, entry);
        links.push(LinkRow {
            sequence,
            entry_id: entry.id,
            previous_hash: std::mem::replace(&mut previous, hash.clone()),
            hash,
            sealed_at,
        });
    }
    audit_chain::append(conn, &links).await?;
    Ok(links.len())
}
