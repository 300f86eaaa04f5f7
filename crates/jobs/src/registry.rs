//! The list of all jobs that a program can run, and the one place where a run is timed, counted and logged.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use graphile_worker::{IntoTaskHandlerResult, JobDefinition, TaskHandler, WorkerContext};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::job::{Handler, Job, JobError, JobRun};

type Run<C> =
    Arc<dyn Fn(C, Value, JobRun) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// All jobs that a program can run, by name; `C` is the context that each of them gets.
pub struct Registry<C> {
    pub(crate) handlers: BTreeMap<&'static str, (Run<C>, JobDefinition)>,
}

impl<C: Clone + Send + Sync + 'static> Default for Registry<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Clone + Send + Sync + 'static> Registry<C> {
    /// A registry without jobs.
    pub fn new() -> Self {
        Self {
            handlers: BTreeMap::new(),
        }
    }

    /// Adds a job that brings its own `run`.
    ///
    /// # Panics
    /// When a job of that name is already there: two types can't share a name.
    #[must_use]
    pub fn job<J: Handler<C>>(self) -> Self {
        self.job_with(|job: J, context, run| job.run(context, run))
    }

    /// Adds a job whose code is a closure.
    ///
    /// # Panics
    /// When a job of that name is already there: two types can't share a name.
    #[must_use]
    pub fn job_with<J, F, Fut>(mut self, handler: F) -> Self
    where
        J: Job,
        F: Fn(J, C, JobRun) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let run: Run<C> = Arc::new(move |context, payload, run| {
            let handler = Arc::clone(&handler);
            async move {
                let job = read_payload::<J>(payload)?;
                handler(job, context, run).await
            }
            .boxed()
        });
        let before = self
            .handlers
            .insert(J::NAME, (run, JobDefinition::of::<Adapter<J>>()));
        assert!(before.is_none(), "two jobs are named {}", J::NAME);
        self
    }

    /// The names of all jobs, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.handlers.keys().copied()
    }

    /// Runs one attempt: logged with its fields, counted as `jobs_run_total{job,result}`, timed as
    /// `jobs_run_duration_seconds{job}`. A panic is a failure that may pass.
    pub(crate) async fn execute(
        &self,
        name: &'static str,
        context: C,
        payload: Value,
        run: JobRun,
    ) -> Result<(), JobError> {
        let Some((handler, _)) = self.handlers.get(name) else {
            return Err(JobError::give_up("no handler of that name"));
        };
        let mut report = Report::start(name, &run);
        let future = AssertUnwindSafe(async { handler(context, payload, run).await });
        let result = match future.catch_unwind().await {
            Ok(result) => result,
            Err(panic) => Err(JobError::Retry(format!(
                "panicked: {}",
                panic_text(&*panic)
            ))),
        };
        report.finish(&result);
        result
    }
}

fn read_payload<J: Job>(payload: Value) -> Result<J, JobError> {
    let is_empty = payload.as_object().is_some_and(serde_json::Map::is_empty);
    match serde_json::from_value(payload) {
        Ok(job) => Ok(job),
        // A unit struct is stored as an empty object.
        Err(_) if is_empty && serde_json::from_value::<J>(Value::Null).is_ok() => {
            serde_json::from_value(Value::Null).map_err(JobError::give_up)
        }
        Err(error) => Err(JobError::give_up(format_args!(
            "unreadable payload: {error}"
        ))),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
}

/// Says how a run ended, also when its future is dropped because the worker may not wait any longer.
struct Report {
    job: &'static str,
    id: i64,
    attempt: i16,
    is_last: bool,
    started: Instant,
    finished: bool,
}

impl Report {
    fn start(job: &'static str, run: &JobRun) -> Self {
        let (id, attempt, is_last) = (run.id, run.attempt, run.attempt >= run.max_attempts);
        tracing::debug!(job, job_id = id, attempt, "job started");
        Self {
            job,
            id,
            attempt,
            is_last,
            started: Instant::now(),
            finished: false,
        }
    }

    fn finish(&mut self, result: &Result<(), JobError>) {
        self.finished = true;
        let elapsed = self.started.elapsed();
        let (job, job_id, attempt, elapsed_ms) =
            (self.job, self.id, self.attempt, elapsed.as_millis());
        let label = match result {
            Ok(()) => {
                tracing::info!(job, job_id, attempt, elapsed_ms, result = "done", "job run");
                "done"
            }
            Err(JobError::Retry(error)) if !self.is_last => {
                tracing::warn!(
                    job,
                    job_id,
                    attempt,
                    elapsed_ms,
                    result = "retry",
                    error,
                    "job run"
                );
                "retry"
            }
            Err(JobError::Retry(error) | JobError::GiveUp(error)) => {
                tracing::error!(
                    job,
                    job_id,
                    attempt,
                    elapsed_ms,
                    result = "dead",
                    error,
                    "job run"
                );
                "dead"
            }
        };
        metrics::counter!("jobs_run_total", "job" => job, "result" => label).increment(1);
        metrics::histogram!("jobs_run_duration_seconds", "job" => job)
            .record(elapsed.as_secs_f64());
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.finished {
            let (job, job_id, attempt) = (self.job, self.id, self.attempt);
            tracing::warn!(job, job_id, attempt, result = "interrupted", "job run");
            metrics::counter!("jobs_run_total", "job" => job, "result" => "interrupted")
                .increment(1);
        }
    }
}

/// The registry with its context, as the queue crate carries it to each run.
#[derive(Clone)]
pub(crate) struct Bound(Arc<dyn RunByName>);

impl Bound {
    pub(crate) fn new<C: Clone + Send + Sync + 'static>(
        registry: Arc<Registry<C>>,
        context: C,
        pool: PgPool,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(BoundTo {
            registry,
            context,
            pool,
            stop,
        }))
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bound")
    }
}

trait RunByName: Send + Sync {
    fn run(&self, name: &'static str, queued: WorkerContext)
    -> BoxFuture<'_, Result<(), JobError>>;
}

struct BoundTo<C> {
    registry: Arc<Registry<C>>,
    context: C,
    pool: PgPool,
    stop: CancellationToken,
}

/// Marks a job as out of attempts while its worker still holds it; the release that follows then leaves it dead.
const GIVE_UP: &str = "
    update graphile_worker._private_jobs set attempts = max_attempts where id = $1 and locked_by = $2";

impl<C: Clone + Send + Sync + 'static> RunByName for BoundTo<C> {
    fn run(
        &self,
        name: &'static str,
        queued: WorkerContext,
    ) -> BoxFuture<'_, Result<(), JobError>> {
        async move {
            let job = queued.job();
            let run = JobRun {
                id: *job.id(),
                attempt: *job.attempts(),
                max_attempts: *job.max_attempts(),
                due_at: *job.run_at(),
                stop: self.stop.clone(),
            };
            let result = self.registry.execute(name, self.context.clone(), queued.payload().clone(), run).await;
            if let Err(JobError::GiveUp(_)) = &result {
                let marked =
                    sqlx::query(GIVE_UP).bind(job.id()).bind(queued.worker_id()).execute(&self.pool).await;
                if let Err(error) = marked {
                    tracing::error!(job = name, job_id = job.id(), %error, "a job that gave up will be tried again");
                }
            }
            result
        }
        .boxed()
    }
}

/// The type by which the queue crate knows a job; it only finds the way back to the registry.
struct Adapter<J>(PhantomData<fn() -> J>);

impl<J> Serialize for Adapter<J> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de, J> Deserialize<'de> for Adapter<J> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self(PhantomData))
    }
}

impl<J: Job> TaskHandler for Adapter<J> {
    const IDENTIFIER: &'static str = J::NAME;

    async fn run(self, queued: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(bound) = queued.get_ext::<Bound>().cloned() else {
            return Err(Failure("the worker has no registry".into()));
        };
        bound
            .0
            .run(J::NAME, queued)
            .await
            .map_err(|error| Failure(error.to_string()))
    }
}

/// What the queue crate keeps as the last error; it asks for `Debug`, and we want the plain text.
struct Failure(String);

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
