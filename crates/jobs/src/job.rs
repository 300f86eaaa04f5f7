//! What a job is: a payload with a name ([`Job`]), the code that runs it ([`Handler`]) and how it fails ([`JobError`]).
//!
//! One job, one file: the payload, its constants, its unique key and `run` stand together.

use std::fmt::Display;
use std::future::Future;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

/// The payload of a job, and how the queue treats it.
///
/// It must serialize to a JSON object (a struct with named fields) or to null (a unit struct).
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in the queue, unique in the program. Renaming it orphans the jobs that wait under the old name.
    const NAME: &'static str;

    /// How many runs are tried before the job becomes a dead letter. Waits grow from 3 seconds to 6 hours.
    const MAX_ATTEMPTS: i16 = 25;

    /// Lower numbers run first.
    const PRIORITY: i16 = 0;

    /// Jobs of one named queue run one after the other, over all workers.
    const QUEUE: Option<&'static str> = None;

    /// What happens to a waiting job with the same unique key.
    const ON_DUPLICATE: OnDuplicate = OnDuplicate::Replace;

    /// Jobs of this type with equal keys are one job as long as it waits. `None`: every enqueue adds a job.
    ///
    /// A job that already runs, or is dead, is not touched: a second one is added, since it may know more.
    /// Transactions that enqueue the same key wait for each other, so keys should be fine.
    fn unique_key(&self) -> Option<String> {
        None
    }
}

/// What an enqueue does to a waiting job with the same unique key; both take the new payload and forget failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDuplicate {
    /// The new time counts: each enqueue moves the run (debounce).
    Replace,
    /// The first time counts, unless the job has failed since (throttle).
    KeepRunAt,
}

/// The code of a job. `C` is the context that the program gives to all its jobs.
pub trait Handler<C>: Job {
    /// Runs the job once; it may be called again after a success whose worker died before it said so.
    fn run(self, context: C, run: JobRun) -> impl Future<Output = Result<(), JobError>> + Send;
}

/// One run of a job, as its handler sees it.
#[derive(Debug, Clone)]
pub struct JobRun {
    /// The id in the queue; it stays the same over all attempts.
    pub id: i64,
    /// 1 for the first run.
    pub attempt: i16,
    /// The attempt after which the job is a dead letter.
    pub max_attempts: i16,
    /// When the job was due; for a scheduled job in its first attempt, the minute of the schedule.
    pub due_at: DateTime<Utc>,
    /// Cancelled when the worker stops. A long job then ends at its next safe point with [`JobError::Retry`].
    pub stop: CancellationToken,
}

/// Why a run failed, and what follows. The text is kept with the job and shown to operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It may work later: the job waits, each time longer, until its attempts are used up.
    #[error("{0}")]
    Retry(String),
    /// It will never work: the job becomes a dead letter at once.
    #[error("{0}")]
    GiveUp(String),
}

impl JobError {
    /// A failure that may pass.
    pub fn retry(reason: impl Display) -> Self {
        Self::Retry(reason.to_string())
    }

    /// A failure that stays.
    pub fn give_up(reason: impl Display) -> Self {
        Self::GiveUp(reason.to_string())
    }
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        Self::retry(format_args!("database: {error}"))
    }
}
