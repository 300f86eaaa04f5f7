//! Putting jobs into the queue, in the caller's transaction: they exist when it commits, and never when it doesn't.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::job::{Job, OnDuplicate};

const ADD_JOBS: &str = "
    select id from graphile_worker.add_jobs(
        array(select json_populate_recordset(null::graphile_worker.job_spec, $1::json)), $2)";

/// Why a job could not be enqueued; nothing was.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The payload is neither an object nor null.
    #[error("the payload of job {0} must serialize to a JSON object")]
    PayloadIsNotAnObject(&'static str),
    /// The payload can't be serialized.
    #[error("the payload of job {job} can't be serialized")]
    Payload {
        /// The name of the job.
        job: &'static str,
        /// What serde said.
        source: serde_json::Error,
    },
    /// The database refused; the caller's transaction is spoilt.
    #[error("enqueueing a job")]
    Database(#[from] sqlx::Error),
}

/// The row type `job_spec` of the queue, as JSON.
#[derive(Serialize)]
struct Spec {
    identifier: &'static str,
    payload: Value,
    queue_name: Option<&'static str>,
    run_at: DateTime<Utc>,
    max_attempts: i16,
    job_key: Option<String>,
    priority: i16,
}

/// Enqueues a job that is due at once; `now` is the caller's time. Answers with its id in the queue.
///
/// # Errors
/// See [`EnqueueError`]; the caller rolls back.
pub async fn enqueue<J: Job>(
    conn: &mut PgConnection,
    job: &J,
    now: DateTime<Utc>,
) -> Result<i64, EnqueueError> {
    enqueue_at(conn, job, now).await
}

/// Enqueues a job that is due at `run_at`. Answers with its id in the queue.
///
/// # Errors
/// See [`EnqueueError`]; the caller rolls back.
pub async fn enqueue_at<J: Job>(
    conn: &mut PgConnection,
    job: &J,
    run_at: DateTime<Utc>,
) -> Result<i64, EnqueueError> {
    let spec = spec(job, run_at)?;
    let id = sqlx::query_scalar(ADD_JOBS)
        .bind(Json(vec![spec]))
        .bind(J::ON_DUPLICATE == OnDuplicate::KeepRunAt)
        .fetch_one(conn)
        .await?;
    Ok(id)
}

/// Enqueues any number of jobs in one statement, all due at `run_at`; of equal unique keys the last one stays.
///
/// # Errors
/// See [`EnqueueError`]; the caller rolls back.
pub async fn enqueue_all<J: Job>(
    conn: &mut PgConnection,
    jobs: &[J],
    run_at: DateTime<Utc>,
) -> Result<Vec<i64>, EnqueueError> {
    let mut specs: Vec<Spec> = Vec::with_capacity(jobs.len());
    let mut place_of_key = HashMap::new();
    for job in jobs {
        let spec = spec(job, run_at)?;
        // One statement can't touch the same row twice, so equal keys meet here already.
        match spec
            .job_key
            .clone()
            .map(|key| place_of_key.entry(key).or_insert(specs.len()))
        {
            Some(place) if *place < specs.len() => specs[*place] = spec,
            _ => specs.push(spec),
        }
    }
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    let ids = sqlx::query_scalar(ADD_JOBS)
        .bind(Json(specs))
        .bind(J::ON_DUPLICATE == OnDuplicate::KeepRunAt)
        .fetch_all(conn)
        .await?;
    Ok(ids)
}

/// The JSON object that is stored for a job; the queue has merging rules of its own for arrays, so they are refused.
pub(crate) fn payload_of<J: Job>(job: &J) -> Result<Value, EnqueueError> {
    match serde_json::to_value(job) {
        Ok(Value::Null) => Ok(Value::Object(serde_json::Map::new())),
        Ok(payload @ Value::Object(_)) => Ok(payload),
        Ok(_) => Err(EnqueueError::PayloadIsNotAnObject(J::NAME)),
        Err(source) => Err(EnqueueError::Payload {
            job: J::NAME,
            source,
        }),
    }
}

fn spec<J: Job>(job: &J, run_at: DateTime<Utc>) -> Result<Spec, EnqueueError> {
    Ok(Spec {
        identifier: J::NAME,
        payload: payload_of(job)?,
        queue_name: J::QUEUE,
        run_at,
        max_attempts: J::MAX_ATTEMPTS,
        // Keys are unique over all jobs of the queue, so the name goes in front.
        job_key: job.unique_key().map(|key| format!("{}:{key}", J::NAME)),
        priority: J::PRIORITY,
    })
}
