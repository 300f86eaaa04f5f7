//! What an operator sees of the queue: the jobs with their state and last error, counts, and the way back for the dead.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

/// Where a job stands. A job that succeeded is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// Not yet run; due now or later.
    Waiting,
    /// A worker holds it.
    Running,
    /// It has failed and will be tried again.
    Retrying,
    /// It has failed for good and waits for an operator.
    Dead,
    /// It failed for good, but a newer job with its unique key has taken its place; workers remove it.
    Superseded,
}

/// A job in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct JobRow {
    /// The id in the queue.
    pub id: i64,
    /// The name of the job.
    pub job: String,
    /// Where it stands.
    pub state: State,
    /// The named queue, if its jobs run one after the other.
    pub queue: Option<String>,
    /// The unique key, with the job's name in front.
    pub unique_key: Option<String>,
    /// The payload.
    pub payload: Value,
    /// Runs so far, the current one included.
    pub attempts: i16,
    /// Runs after which it is dead.
    pub max_attempts: i16,
    /// When it is due.
    pub run_at: DateTime<Utc>,
    /// The error of the last failed run.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// Since when a worker holds it.
    pub locked_at: Option<DateTime<Utc>>,
}

/// Which jobs to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of this name.
    pub job: Option<&'a str>,
    /// Only those older than this id: the last one of the page before.
    pub before: Option<i64>,
}

/// The jobs of one name in one state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct JobCount {
    /// The name of the job.
    pub job: String,
    /// The state.
    pub state: State,
    /// How many.
    pub count: i64,
}

/// The condition of each state, in the order in which they are asked.
macro_rules! jobs_with_state {
    () => {
        "select jobs.id, tasks.identifier as job, queues.queue_name as queue, jobs.key as unique_key,
                jobs.payload, jobs.attempts, jobs.max_attempts, jobs.run_at, jobs.last_error,
                jobs.created_at, jobs.locked_at,
                case when jobs.locked_at is not null then 'running'
                     when retired.id is not null then 'superseded'
                     when jobs.attempts >= jobs.max_attempts then 'dead'
                     when jobs.attempts > 0 then 'retrying'
                     else 'waiting' end as state
         from graphile_worker._private_jobs as jobs
         join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id
         left join graphile_worker._private_job_queues as queues on queues.id = jobs.job_queue_id
         left join graphile_worker._private_job_retirements as retired on retired.id = jobs.id"
    };
}

const LIST: &str = concat!(
    "select * from (",
    jobs_with_state!(),
    ") as jobs
     where ($1::text is null or state = $1) and ($2::text is null or job = $2) and ($3::bigint is null or id < $3)
     order by id desc limit $4"
);

const COUNTS: &str = concat!(
    "select job, state, count(*) as count from (",
    jobs_with_state!(),
    ") as jobs group by job, state order by job, state"
);

const RETRY: &str = "
    with revived as (
        update graphile_worker._private_jobs as jobs set attempts = 0, run_at = $2, updated_at = $2
        where id = $1 and locked_at is null and attempts >= max_attempts
          and not exists (select from graphile_worker._private_job_retirements as retired where retired.id = jobs.id)
        returning id
    )
    select pg_notify('jobs:insert', '{\"r\":0,\"count\":1}') from revived";

const REMOVE_SUPERSEDED: &str = "
    delete from graphile_worker._private_jobs as jobs using graphile_worker._private_job_retirements as retired
    where retired.id = jobs.id and jobs.locked_at is null and jobs.attempts >= jobs.max_attempts";

/// The newest jobs first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut PgConnection,
    filter: Filter<'_>,
    limit: i64,
) -> Result<Vec<JobRow>, sqlx::Error> {
    let mut rows: Vec<JobRow> = sqlx::query_as(LIST)
        .bind(filter.state)
        .bind(filter.job)
        .bind(filter.before)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    for row in &mut rows {
        row.last_error = row.last_error.take().map(plain_error);
    }
    Ok(rows)
}

/// How many jobs there are, by name and state; states without jobs are left out.
///
/// # Errors
/// When the database fails.
pub async fn counts(conn: &mut PgConnection) -> Result<Vec<JobCount>, sqlx::Error> {
    sqlx::query_as(COUNTS).fetch_all(conn).await
}

/// Gives a dead letter all its attempts again, due at `now`. False when there is no dead letter of that id.
///
/// # Errors
/// When the database fails.
pub async fn retry(
    conn: &mut PgConnection,
    id: i64,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let revived = sqlx::query(RETRY).bind(id).bind(now).execute(conn).await?;
    Ok(revived.rows_affected() > 0)
}

/// Deletes the dead jobs whose place a newer job has taken; answers with their number. Workers do it each minute.
///
/// # Errors
/// When the database fails.
pub async fn remove_superseded(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query(REMOVE_SUPERSEDED)
        .execute(conn)
        .await?
        .rows_affected())
}

/// The queue crate keeps errors as Rust prints them for debugging: `TaskError("…")`.
fn plain_error(error: String) -> String {
    if error == "WorkerCrashed" {
        return "the worker died".to_owned();
    }
    let inner = error
        .strip_prefix("TaskError(")
        .and_then(|rest| rest.strip_suffix(')'));
    match inner {
        Some(quoted) => {
            serde_json::from_str(quoted).unwrap_or_else(|_| quoted.trim_matches('"').to_owned())
        }
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::plain_error;

    #[test]
    fn errors_lose_their_wrapping() {
        assert_eq!(
            plain_error("TaskError(\"no \\\"such\\\" file\")".into()),
            "no \"such\" file"
        );
        assert_eq!(
            plain_error("TaskError(\"tab \\u{7f}\")".into()),
            "tab \\u{7f}"
        );
        assert_eq!(
            plain_error("Job recovered after worker interruption".into()),
            "Job recovered after worker interruption"
        );
    }
}
