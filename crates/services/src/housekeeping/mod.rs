//! What is kept for a time and then forgotten, a job each. A job deletes in steps, each in a transaction of its own,
//! so that a large backlog neither locks for long nor is lost when the worker stops. And the months of large tables.

pub mod forget_challenges;
pub mod forget_development_messages;
pub mod forget_idempotency_keys;
pub mod forget_member_codes;
pub mod forget_one_time_codes;
pub mod forget_outbox_events;
pub mod forget_sign_ins;
pub mod forget_staff_credits;
pub mod maintain_partitions;

use chrono::{DateTime, TimeDelta, Utc};
use jobs::{JobError, JobRun};
use sqlx::PgConnection;
use store::error::StoreError;
use uuid::{Builder, Uuid};

use crate::context::Context;
use crate::transaction::{self, Work};

/// How many rows one transaction deletes.
const STEP: u16 = 5_000;

/// One step: deletes at most [`STEP`] rows from before a moment; says how many.
type Step = for<'c> fn(&'c mut PgConnection, DateTime<Utc>) -> Work<'c, u64, StoreError>;

/// Deletes what is older than `age`, step by step.
async fn forget(ctx: &Context, run: &JobRun, age: TimeDelta, step: Step) -> Result<(), JobError> {
    let before = ctx.clock().now() - age;
    loop {
        let gone = transaction::run(ctx, (before, step), |conn, (before, step)| {
            step(conn, *before)
        });
        if gone.await.map_err(JobError::retry)? < u64::from(STEP) {
            return Ok(());
        }
        if run.stop.is_cancelled() {
            return Err(JobError::retry("the worker stops"));
        }
    }
}

/// The smallest identifier that could have been made at a moment.
fn first_id_of(moment: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(moment.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::ids::IdSource;

    #[test]
    fn identifiers_tell_their_age() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let ids = IdSource::new(clock.clone());
        let before = ids.uuid();
        clock.advance(std::time::Duration::from_millis(1));
        let first = first_id_of(clock.now());
        assert!(before < first && first < ids.uuid());
    }
}
