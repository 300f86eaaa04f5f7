//! Schedules: which job is enqueued by the clock, in which zone; several workers keep them without doing it twice.
//!
//! Ours rather than the queue crate's: that one knows only UTC or the machine's zone, and no Sunday. The table is shared.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};

use crate::enqueue::{EnqueueError, payload_of};
use crate::job::Job;

/// A missed run is made good once if it is no older than this; older ones are dropped.
const CATCH_UP: TimeDelta = TimeDelta::hours(24);

type Enqueue = Box<
    dyn for<'a> Fn(
            &'a mut PgConnection,
            DateTime<Utc>,
        ) -> futures_util::future::BoxFuture<'a, Result<i64, EnqueueError>>
        + Send
        + Sync,
>;

/// A job by the clock.
pub struct Schedule {
    name: &'static str,
    job: &'static str,
    expression: &'static str,
    cron: Cron,
    zone: Tz,
    enqueue: Enqueue,
}

/// A schedule that can't be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSchedule {
    /// The expression can't be read, or has no time at all.
    #[error("schedule {name}: \"{expression}\" is not a cron expression of five fields: {reason}")]
    Expression {
        /// The name of the schedule.
        name: &'static str,
        /// What was given.
        expression: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The payload can't be enqueued.
    #[error("schedule {0}: {1}")]
    Payload(&'static str, EnqueueError),
}

/// A schedule as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleRow {
    /// The name of the schedule.
    pub name: &'static str,
    /// The job that it enqueues.
    pub job: &'static str,
    /// The cron expression: minute, hour, day of the month, month, day of the week.
    pub expression: &'static str,
    /// The zone that the expression is read in.
    pub zone: Tz,
    /// The last time that it was due and enqueued.
    pub last_run: Option<DateTime<Utc>>,
    /// The next time that it is due.
    pub next_run: Option<DateTime<Utc>>,
}

impl Schedule {
    /// Enqueues `job` at the times of a cron expression of five fields, read in `zone`. 0 and 7 are Sunday.
    ///
    /// A time that a change of the clock leaves out runs right after it; one that comes twice runs once.
    ///
    /// # Errors
    /// See [`InvalidSchedule`].
    pub fn new<J: Job + Clone>(
        name: &'static str,
        expression: &'static str,
        zone: Tz,
        job: J,
    ) -> Result<Self, InvalidSchedule> {
        let invalid = |reason: String| InvalidSchedule::Expression {
            name,
            expression,
            reason,
        };
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(expression)
            .map_err(|error| invalid(error.to_string()))?;
        let epoch = DateTime::UNIX_EPOCH.with_timezone(&zone);
        cron.find_next_occurrence(&epoch, true)
            .map_err(|error| invalid(error.to_string()))?;
        payload_of(&job).map_err(|error| InvalidSchedule::Payload(name, error))?;
        let enqueue: Enqueue = Box::new(move |conn, due| {
            let job = job.clone();
            Box::pin(async move { crate::enqueue_at(conn, &job, due).await })
        });
        Ok(Self {
            name,
            job: J::NAME,
            expression,
            cron,
            zone,
            enqueue,
        })
    }

    /// The name of the schedule, unique in the program.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The name of the job that it enqueues.
    pub fn job(&self) -> &'static str {
        self.job
    }

    /// The first time after `now` at which the schedule is due.
    pub fn next_run(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self
            .cron
            .find_next_occurrence(&now.with_timezone(&self.zone), false)
            .ok()?;
        Some(next.with_timezone(&Utc))
    }

    /// The last time up to `now` at which the schedule was due.
    fn last_due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let last = self
            .cron
            .find_previous_occurrence(&now.with_timezone(&self.zone), true)
            .ok()?;
        Some(last.with_timezone(&Utc))
    }
}

const LEARN: &str = "
    insert into graphile_worker._private_known_crontabs (identifier, known_since)
    select name, $2 from unnest($1::text[]) as name on conflict do nothing";

const CLAIM: &str = "
    update graphile_worker._private_known_crontabs set last_execution = $2
    where identifier = $1 and coalesce(last_execution, known_since) < $2";

/// Enqueues each schedule that has come due since its last run, once, and answers with their names. A schedule that is
/// seen for the first time starts with the current minute. Safe to call at any time from any number of workers.
///
/// # Errors
/// When the database fails; schedules before the failing one are done, the others come with the next call.
pub async fn tick(
    conn: &mut PgConnection,
    schedules: &[Schedule],
    now: DateTime<Utc>,
) -> Result<Vec<&'static str>, EnqueueError> {
    let names: Vec<&str> = schedules.iter().map(|schedule| schedule.name).collect();
    let a_minute_ago = now - TimeDelta::minutes(1);
    sqlx::query(LEARN)
        .bind(names)
        .bind(a_minute_ago)
        .execute(&mut *conn)
        .await?;
    let mut enqueued = Vec::new();
    for schedule in schedules {
        let Some(due) = schedule.last_due(now).filter(|due| now - due <= CATCH_UP) else {
            continue;
        };
        let mut tx = conn.begin().await?;
        let claimed = sqlx::query(CLAIM)
            .bind(schedule.name)
            .bind(due)
            .execute(&mut *tx)
            .await?;
        if claimed.rows_affected() > 0 {
            (schedule.enqueue)(&mut tx, due).await?;
            enqueued.push(schedule.name);
        }
        tx.commit().await?;
    }
    Ok(enqueued)
}

/// All schedules with their last and next runs, in the order given.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut PgConnection,
    schedules: &[Schedule],
    now: DateTime<Utc>,
) -> Result<Vec<ScheduleRow>, sqlx::Error> {
    let known: Vec<(String, Option<DateTime<Utc>>)> = sqlx::query_as(
        "select identifier, last_execution from graphile_worker._private_known_crontabs",
    )
    .fetch_all(conn)
    .await?;
    let row = |schedule: &Schedule| ScheduleRow {
        name: schedule.name,
        job: schedule.job,
        expression: schedule.expression,
        zone: schedule.zone,
        last_run: known
            .iter()
            .find(|(name, _)| name == schedule.name)
            .and_then(|(_, last_run)| *last_run),
        next_run: schedule.next_run(now),
    };
    Ok(schedules.iter().map(row).collect())
}
