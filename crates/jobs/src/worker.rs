//! The worker: fetches due jobs by notification and poll, runs them, keeps the schedules, recovers dead workers' jobs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use graphile_worker::{
    FailureReason, JobRecovery, JobRecoveryContext, JobRecoveryResult, Worker, WorkerOptions,
    WorkerRecoveryConfig,
};
use sqlx::PgPool;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::registry::{Bound, Registry};
use crate::schedule::{self, Schedule};

/// The caller's clock, for schedules.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Time that a stop may take beyond the grace period, to give back what didn't finish.
const RELEASE_TIME: Duration = Duration::from_secs(10);
const FIRST_RESTART_DELAY: Duration = Duration::from_millis(200);
const LONGEST_RESTART_DELAY: Duration = Duration::from_secs(10);

/// Why a worker ended other than by its stop.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It could not start: no database, or no tables of the queue.
    #[error("starting the job worker: {0}")]
    Start(String),
    /// It could not give its jobs back in time; other workers recover them.
    #[error("the job worker did not stop in time")]
    StopTimedOut,
}

/// How soon the jobs of a dead worker run again. All times are the database's.
#[derive(Debug, Clone, Copy)]
pub struct Recovery {
    /// How often a worker says that it lives.
    pub heartbeat_interval: Duration,
    /// How often workers look for dead ones.
    pub sweep_interval: Duration,
    /// The silence after which a worker counts as dead; several heartbeats long.
    pub dead_after: Duration,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_secs(10),
            sweep_interval: Duration::from_secs(15),
            dead_after: Duration::from_secs(60),
        }
    }
}

/// A worker to be configured and run. It installs no signal handlers: it stops by the token given to [`Self::run`].
///
/// Its pool needs a connection for each concurrent job's release, one for the notifications and one for the heartbeat.
pub struct WorkerBuilder<C> {
    pool: PgPool,
    registry: Arc<Registry<C>>,
    context: C,
    now: Now,
    schedules: Vec<Schedule>,
    concurrency: usize,
    poll_interval: Duration,
    listen: bool,
    grace_period: Duration,
    recovery: Recovery,
}

impl<C: Clone + Send + Sync + 'static> WorkerBuilder<C> {
    /// A worker with 4 jobs at a time, a poll each second beside the notifications, and 20 seconds of grace.
    pub fn new(pool: PgPool, registry: Registry<C>, context: C, now: Now) -> Self {
        Self {
            pool,
            registry: Arc::new(registry),
            context,
            now,
            schedules: Vec::new(),
            concurrency: 4,
            poll_interval: Duration::from_secs(1),
            listen: true,
            grace_period: Duration::from_secs(20),
            recovery: Recovery::default(),
        }
    }

    /// The schedules that this worker keeps; several workers may keep the same ones.
    ///
    /// # Panics
    /// When two schedules share a name, or the job of one is not in the registry.
    #[must_use]
    pub fn schedules(mut self, schedules: Vec<Schedule>) -> Self {
        let mut names = BTreeSet::new();
        for schedule in &schedules {
            let (name, job) = (schedule.name(), schedule.job());
            assert!(names.insert(name), "two schedules are named {name}");
            assert!(
                self.registry.handlers.contains_key(job),
                "schedule {name}: no job is named {job}"
            );
        }
        self.schedules = schedules;
        self
    }

    /// How many jobs run at a time; at least one does.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs.max(1);
        self
    }

    /// How often the queue is asked without a notification: for jobs that become due later, and for lost notifications.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Whether to LISTEN; not possible through a pooler of transactions.
    #[must_use]
    pub fn listen(mut self, listen: bool) -> Self {
        self.listen = listen;
        self
    }

    /// How long running jobs may go on after the stop, before they are dropped and given back.
    #[must_use]
    pub fn grace_period(mut self, period: Duration) -> Self {
        self.grace_period = period;
        self
    }

    /// How soon the jobs of a dead worker run again.
    #[must_use]
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// Runs until `stop` is cancelled, then lets running jobs finish for the grace period. Survives a database that
    /// goes away and comes back.
    ///
    /// # Errors
    /// [`WorkerError::Start`] when the first start fails, [`WorkerError::StopTimedOut`] when the end takes too long.
    pub async fn run(self, stop: CancellationToken) -> Result<(), WorkerError> {
        // Ends the schedules too when the worker can't start.
        let stop = stop.child_token();
        let stop_when_done = stop.clone().drop_guard();
        let worker = async {
            let _guard = stop_when_done;
            self.keep_working(&stop).await
        };
        let limit = async {
            stop.cancelled().await;
            sleep(self.grace_period + RELEASE_TIME).await;
        };
        let both = async { tokio::join!(worker, self.keep_schedules(&stop)).0 };
        tokio::select! {
            result = both => result,
            () = limit => Err(WorkerError::StopTimedOut),
        }
    }

    async fn keep_working(&self, stop: &CancellationToken) -> Result<(), WorkerError> {
        let first = self.start(stop).await.map_err(WorkerError::Start)?;
        let mut failure = match Box::pin(first.run()).await {
            Ok(()) => return Ok(()),
            Err(error) => error.to_string(),
        };
        let mut delay = FIRST_RESTART_DELAY;
        loop {
            if stop.is_cancelled() {
                return Ok(());
            }
            tracing::error!(
                error = failure,
                delay_ms = delay.as_millis(),
                "the job worker failed and starts again"
            );
            if timeout(delay, stop.cancelled()).await.is_ok() {
                return Ok(());
            }
            delay = (delay * 2).min(LONGEST_RESTART_DELAY);
            failure = match self.start(stop).await {
                Ok(worker) => match Box::pin(worker.run()).await {
                    Ok(()) => return Ok(()),
                    Err(error) => error.to_string(),
                },
                Err(error) => error,
            };
        }
    }

    async fn start(&self, stop: &CancellationToken) -> Result<Worker, String> {
        let recovery = WorkerRecoveryConfig::default()
            .heartbeat_interval(self.recovery.heartbeat_interval)
            .sweep_interval(self.recovery.sweep_interval)
            .sweep_threshold(self.recovery.dead_after)
            .recovery_delay(Duration::ZERO);
        let bound = Bound::new(
            Arc::clone(&self.registry),
            self.context.clone(),
            self.pool.clone(),
            stop.clone(),
        );
        let options = WorkerOptions::default()
            .pg_pool(self.pool.clone())
            .define_jobs(
                self.registry
                    .handlers
                    .values()
                    .map(|(_, definition)| definition.clone()),
            )
            .add_extension(bound)
            .concurrency(self.concurrency)
            .poll_interval(self.poll_interval)
            .use_notification_delivery(self.listen)
            .worker_recovery(recovery)
            .on(JobRecovery, |lost: JobRecoveryContext| async move {
                what_becomes_of(lost.reason)
            })
            .listen_os_shutdown_signals(false)
            .shutdown_signal(stop.clone().cancelled_owned())
            .shutdown_grace_period(self.grace_period)
            .shutdown_interrupted_job_retry_delay(Duration::ZERO);
        Box::pin(options.init())
            .await
            .map_err(|error| error.to_string())
    }

    /// Ticks now and at the start of each minute.
    async fn keep_schedules(&self, stop: &CancellationToken) {
        loop {
            if let Err(error) = self.tick().await {
                tracing::error!(%error, "the schedules could not be kept; the next minute tries again");
            }
            let to_next_minute = 60 - (self.now)().timestamp().rem_euclid(60);
            let pause = Duration::from_secs(to_next_minute.unsigned_abs());
            if timeout(pause, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    async fn tick(&self) -> Result<(), crate::EnqueueError> {
        let mut conn = self.pool.acquire().await?;
        schedule::tick(&mut conn, &self.schedules, (self.now)()).await?;
        admin::remove_superseded(&mut conn).await?;
        Ok(())
    }
}

/// A job that a stop interrupted keeps its attempt. One whose worker died loses it, since it may be what killed the
/// worker: a job that kills every worker is to end as a dead letter, not to take the program down for ever.
fn what_becomes_of(reason: FailureReason) -> JobRecoveryResult {
    match reason {
        FailureReason::WorkerCrashed => JobRecoveryResult::FailWithBackoff,
        _ => JobRecoveryResult::Default,
    }
}
