//! Running due jobs in the caller's task, for tests: one at a time, in a fixed order, by the caller's clock.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::job::{JobError, JobRun};
use crate::registry::Registry;

/// Runs after which a drain takes the jobs to be enqueueing each other for ever.
const MOST_RUNS: usize = 10_000;

/// One run of a job by [`drain`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The name of the job.
    pub job: &'static str,
    /// The id in the queue.
    pub id: i64,
    /// 1 for the first run.
    pub attempt: i16,
    /// How it ended.
    pub result: Result<(), JobError>,
    /// Whether it is a dead letter now.
    pub dead: bool,
}

/// All runs of a drain, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drained {
    /// The runs.
    pub runs: Vec<Ran>,
}

impl Drained {
    /// The names of the jobs that ran, in their order.
    pub fn names(&self) -> Vec<&'static str> {
        self.runs.iter().map(|run| run.job).collect()
    }

    /// The runs that failed.
    pub fn failures(&self) -> Vec<&Ran> {
        self.runs.iter().filter(|run| run.result.is_err()).collect()
    }
}

/// Why a drain could not end.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// The database failed.
    #[error("draining the queue")]
    Database(#[from] sqlx::Error),
    /// The jobs enqueue each other without end.
    #[error("the queue is not empty after {MOST_RUNS} jobs")]
    Endless,
}

const CLAIM: &str = "
    with due as (
        select jobs.id, tasks.identifier from graphile_worker._private_jobs as jobs
        join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
        where jobs.is_available and jobs.run_at <= $1 and tasks.identifier = any($2)
        order by jobs.priority, jobs.run_at, jobs.id limit 1
        for update of jobs skip locked
    )
    update graphile_worker._private_jobs as jobs
    set attempts = attempts + 1, locked_by = 'drain', locked_at = $1
    from due where jobs.id = due.id
    returning jobs.id, due.identifier, jobs.payload, jobs.attempts, jobs.max_attempts, jobs.run_at";

const COMPLETE: &str = "delete from graphile_worker._private_jobs where id = $1";

/// The same waits as the queue crate's, from the caller's time.
const FAIL: &str = "
    update graphile_worker._private_jobs set
        last_error = $2, locked_by = null, locked_at = null,
        attempts = case when $3 then max_attempts else attempts end,
        run_at = greatest($4, run_at) + exp(least(attempts, 10)) * interval '1 second'
    where id = $1
    returning attempts >= max_attempts";

/// Runs all jobs of the registry that are due at `now`, with those that they enqueue, until none is left. A failed job
/// waits as it would for a worker, from `now` on.
///
/// # Errors
/// See [`DrainError`].
pub async fn drain<C: Clone + Send + Sync + 'static>(
    pool: &PgPool,
    registry: &Registry<C>,
    context: &C,
    now: DateTime<Utc>,
) -> Result<Drained, DrainError> {
    let names: Vec<&'static str> = registry.names().collect();
    let mut drained = Drained::default();
    while let Some(claimed) = claim(pool, &names, now).await? {
        if drained.runs.len() >= MOST_RUNS {
            return Err(DrainError::Endless);
        }
        let (id, name, payload, attempt, max_attempts, due_at) = claimed;
        let Some(job) = names.iter().copied().find(|known| *known == name) else {
            continue;
        };
        let run = JobRun {
            id,
            attempt,
            max_attempts,
            due_at,
            stop: CancellationToken::new(),
        };
        let result = registry.execute(job, context.clone(), payload, run).await;
        let dead = match &result {
            Ok(()) => {
                sqlx::query(COMPLETE).bind(id).execute(pool).await?;
                false
            }
            Err(error) => {
                let gives_up = matches!(error, JobError::GiveUp(_));
                sqlx::query_scalar(FAIL)
                    .bind(id)
                    .bind(error.to_string())
                    .bind(gives_up)
                    .bind(now)
                    .fetch_one(pool)
                    .await?
            }
        };
        drained.runs.push(Ran {
            job,
            id,
            attempt,
            result,
            dead,
        });
    }
    Ok(drained)
}

type Claimed = (i64, String, Value, i16, i16, DateTime<Utc>);

async fn claim(
    pool: &PgPool,
    names: &[&'static str],
    now: DateTime<Utc>,
) -> Result<Option<Claimed>, sqlx::Error> {
    sqlx::query_as(CLAIM)
        .bind(now)
        .bind(names)
        .fetch_optional(pool)
        .await
}
