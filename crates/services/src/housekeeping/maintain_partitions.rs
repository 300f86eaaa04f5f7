//! Job: makes the months to come of the tables by month, so that rows of the future always find a partition of their
//! own, and on Sundays has the planner look at the tables. A month that is missing refuses no row: the partition of the
//! future takes it and becomes that month later.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc, Weekday};
use domain::audit::{Action, ObjectKind};
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::error::StoreError;
use store::partitions::{self, ALL, KEPT, Partition};

use crate::audit_log::{self, Entry};
use crate::context::Context;
use crate::transaction;

/// How many months after the present one have partitions.
pub const AHEAD: u8 = 3;

/// How many whole months before the present one can't be detached: longer than answers are kept, which are made again
/// from purchases.
const NEEDED_MONTHS: u32 = 2;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MaintainPartitions;

impl Job for MaintainPartitions {
    const NAME: &'static str = "housekeeping.maintain_partitions";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for MaintainPartitions {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        make(&ctx, AHEAD).await.map_err(JobError::retry)?;
        if ctx.clock().now().weekday() == Weekday::Sun {
            tokio::select! {
                analyzed = analyze(&ctx) => analyzed.map_err(JobError::retry)?,
                () = run.stop.cancelled() => return Err(JobError::retry("the worker stops")),
            }
        }
        Ok(())
    }
}

/// Why months were not detached.
#[derive(Debug, thiserror::Error)]
pub enum DetachError {
    /// The month is not long over.
    #[error("the service still needs the months from {latest} on")]
    StillNeeded {
        /// The latest month before which can be detached.
        latest: NaiveDate,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the partitions up to `ahead` months (at most 24) after the present one, a table at a time, and says which are
/// new.
///
/// # Errors
/// [`StoreError`]; unavailable when others were at work on a table for half a second. Tables that were done stay so.
pub async fn make(ctx: &Context, ahead: u8) -> Result<Vec<String>, StoreError> {
    let today = ctx.clock().now().date_naive();
    let mut all = Vec::new();
    for table in ALL {
        let made = transaction::run(ctx, table, move |conn, table| {
            Box::pin(partitions::make(conn, table, today, ahead.into()))
        })
        .await?;
        if !made.is_empty() {
            tracing::info!(table, ?made, "partitions were made");
        }
        all.extend(made);
    }
    Ok(all)
}

/// Has the planner look at each table as a whole, which autovacuum does with partitions alone.
///
/// # Errors
/// [`StoreError`] from the database.
async fn analyze(ctx: &Context) -> Result<(), StoreError> {
    for table in ALL {
        transaction::run(ctx, table, |conn, table| {
            Box::pin(partitions::analyze(conn, table))
        })
        .await?;
    }
    Ok(())
}

/// Every partition, by table and time.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn list(ctx: &Context) -> Result<Vec<Partition>, StoreError> {
    partitions::list(&mut *ctx.connection().await?).await
}

/// Takes the months before that of `before` out of purchases, journals and entries, and says the names of the tables in
/// which their rows stay. Afterwards the audit no longer comes out even for whoever has older entries.
///
/// # Errors
/// [`DetachError`]. Tables that were done stay so, and asking again does the others.
pub async fn detach(ctx: &Context, before: NaiveDate) -> Result<Vec<String>, DetachError> {
    let latest = latest_to_detach(ctx.clock().now());
    if before > latest {
        return Err(DetachError::StillNeeded { latest });
    }
    let mut all = Vec::new();
    for table in KEPT {
        let detached = transaction::run(ctx, (ctx.clone(), table), move |conn, (ctx, table)| {
            Box::pin(async move {
                let detached = partitions::detach(conn, table, before).await?;
                if !detached.is_empty() {
                    let entry = Entry::of(Action::PartitionsDetach, ObjectKind::Partition);
                    let entry = entry.id(table).after(json!({ "detached": detached }));
                    audit_log::record(conn, ctx, entry).await?;
                }
                Ok::<_, StoreError>(detached)
            })
        })
        .await?;
        all.extend(detached);
    }
    Ok(all)
}

fn latest_to_detach(now: DateTime<Utc>) -> NaiveDate {
    let today = now.date_naive();
    let month = today.with_day(1).unwrap_or(today);
    month - Months::new(NEEDED_MONTHS)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    #[test]
    fn two_whole_months_stay() {
        let now = Utc.with_ymd_and_hms(2027, 1, 31, 23, 0, 0).single();
        let latest = latest_to_detach(now.expect("a moment"));
        assert_eq!(latest.to_string(), "2026-11-01");
    }
}
