//! `owncircle serve`: database, API, metrics and worker in one process, started in that order and stopped in reverse.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use http_kit::Readiness;
use jobs::WorkerBuilder;
use services::audit_log::seal::keep_sealing;
use services::context::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, Loaded, Overrides};
use crate::database::{Database, Sharing};
use crate::signals::Signals;
use crate::{data_dir, http, telemetry, wiring};

/// How long requests in flight, and then jobs, may take once the stop is asked for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The shortest and the longest pause between two attempts to start the worker.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long closing the connections to the database may take.
const CLOSING_PATIENCE: Duration = Duration::from_secs(5);

/// Run the service: API, worker and, without DATABASE_URL, a PostgreSQL of its own
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle serve\n  owncircle serve --listen 0.0.0.0:8080 --data-dir /var/lib/owncircle\n  \
DATABASE_URL=postgres://owner@db/owncircle owncircle serve --role api\n\n\
Ctrl-C or SIGTERM stops it: requests in flight are finished, then jobs, then PostgreSQL. A second signal hastens that."
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

pub(super) async fn run(loaded: Loaded) -> anyhow::Result<ExitCode> {
    run_with(loaded, async |_, _, _| Ok(None)).await
}

/// Runs the service after `prepare`, which finds the programme ready and neither requests nor jobs at work; what it
/// returns is printed once the service listens. A stop breaks it off, and when it fails the service does not start.
pub(super) async fn run_with(
    loaded: Loaded,
    prepare: impl AsyncFnOnce(&Config, &Path, &Database) -> anyhow::Result<Option<String>>,
) -> anyhow::Result<ExitCode> {
    let config = loaded.config;
    let _flushed_at_the_end = telemetry::install_log_of_service(&config.log)?;
    let metrics = telemetry::install_metrics()?;
    let signals = Signals::listen()?;
    let folder = data_dir::prepare(&config)?;
    let mut opening = Box::pin(Database::open(&config, &folder, Sharing::Owner));
    let opened = tokio::select! {
        database = &mut opening => Some(database?),
        () = signals.stop().cancelled() => None,
    };
    drop(opening);
    let Some(database) = opened else {
        tracing::info!("stopped while starting");
        Database::abandon(&config, &folder).await;
        return Ok(ExitCode::SUCCESS);
    };
    let outcome = Box::pin(serve(
        &config, &folder, &database, &signals, metrics, prepare,
    ))
    .await;
    database.close().await;
    tracing::info!("stopped");
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn serve(
    config: &Config,
    folder: &Path,
    database: &Database,
    signals: &Signals,
    metrics: telemetry::Metrics,
    prepare: impl AsyncFnOnce(&Config, &Path, &Database) -> anyhow::Result<Option<String>>,
) -> anyhow::Result<()> {
    let moved = database.migrate(None).await?;
    tracing::info!(
        from = moved.from,
        to = moved.to,
        "the database is up to date"
    );
    let context = wiring::context(config, folder, database).await?;
    wiring::start_programme(config, &context).await?;
    services::auth::signing_keys::ensure(&context).await?;
    let metrics_listener = http::bind(config.metrics_listen, "metrics_listen").await?;
    let metrics_task = tokio::spawn(http::serve_metrics(metrics_listener, metrics));
    let parts = Parts::default();
    // Opened before the preparation, which may take a while: an address that is taken is told at once.
    let listener = match config.role.serves_api() {
        true => Some(http::bind(config.listen, "listen").await?),
        false => None,
    };
    let text = tokio::select! {
        text = prepare(config, folder, database) => text?,
        () = signals.stop().cancelled() => None,
    };
    if !signals.stop().is_cancelled() {
        if let Some(listener) = listener {
            parts.start_api(config, &context, listener);
        }
        if config.role.runs_jobs() {
            parts.start_worker(config, &context)?;
        }
        if let Some(text) = text {
            super::say(&text)?;
        }
    }
    tokio::select! {
        () = signals.stop().cancelled() => tracing::info!("stopping: finishing requests in flight"),
        () = parts.failed.cancelled() => {}
    }
    parts.stop(signals).await;
    finish_postings(&context, signals).await;
    metrics_task.abort();
    let told = tokio::time::timeout(CLOSING_PATIENCE, context.shared().told());
    if told.await.is_err() {
        tracing::warn!("not all changes were told to other processes");
    }
    let closing = tokio::time::timeout(CLOSING_PATIENCE, context.pool().close());
    if closing.await.is_err() {
        tracing::warn!("connections to the database were still in use");
    }
    anyhow::ensure!(
        !parts.failed.is_cancelled(),
        "a part of the service failed; see the log"
    );
    Ok(())
}

/// What runs side by side: requests and jobs.
#[derive(Default)]
struct Parts {
    readiness: Readiness,
    requests: TaskTracker,
    requests_stop: CancellationToken,
    jobs: TaskTracker,
    jobs_stop: CancellationToken,
    /// Cancelled when a part ends by itself.
    failed: CancellationToken,
}

impl Parts {
    fn start_api(&self, config: &Config, context: &Context, listener: TcpListener) {
        let settings = wiring::http_config(config, &self.readiness);
        let router = rest_api::router(context.clone(), settings);
        let (stop, failed) = (self.requests_stop.clone(), self.failed.clone());
        self.requests.spawn(async move {
            if let Err(error) = http::serve(listener, router, stop).await {
                tracing::error!(%error, "the API failed");
                failed.cancel();
            }
        });
        tracing::info!(address = %config.listen, url = config.public_url, "the API listens");
    }

    fn start_worker(&self, config: &Config, context: &Context) -> anyhow::Result<()> {
        let first = wiring::worker(config, context)?;
        let (config, context) = (config.clone(), context.clone());
        let (stop, failed) = (self.jobs_stop.clone(), self.failed.clone());
        self.jobs.spawn(keep_sealing(context.clone(), stop.clone()));
        self.jobs.spawn(async move {
            if let Err(error) = Box::pin(keep_working(first, &config, &context, stop)).await {
                tracing::error!(%error, "the worker failed");
                failed.cancel();
            }
        });
        Ok(())
    }

    /// Not ready at once; then requests, then jobs.
    async fn stop(&self, signals: &Signals) {
        self.readiness.stop();
        self.requests.close();
        self.requests_stop.cancel();
        wait(&self.requests, signals, "requests").await;
        self.jobs.close();
        self.jobs_stop.cancel();
        wait(&self.jobs, signals, "jobs").await;
    }
}

/// Runs the worker until `stop`. The worker itself survives a database that goes away later; one that is away just
/// when the worker starts must not end the service either.
async fn keep_working(
    first: WorkerBuilder<Context>,
    config: &Config,
    context: &Context,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut worker = first;
    let mut pause = SHORTEST_PAUSE;
    loop {
        let Err(error) = Box::pin(worker.run(stop.clone())).await else {
            return Ok(());
        };
        tracing::error!(%error, next_attempt_in = ?pause, "the worker did not start");
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        worker = wiring::worker(config, context)?;
    }
}

/// Purchases that a client no longer waits for may still be queued.
async fn finish_postings(context: &Context, signals: &Signals) {
    tracing::info!("stopping: carrying out purchases that are queued");
    let postings = TaskTracker::new();
    let draining = context.clone();
    postings.spawn(async move { draining.engine().drain().await });
    postings.close();
    wait(&postings, signals, "purchases").await;
}

/// Waits for tasks to end, for so long and no longer, and not at all once a second signal came.
async fn wait(tasks: &TaskTracker, signals: &Signals, what: &str) {
    tokio::select! {
        () = tasks.wait() => {}
        () = tokio::time::sleep(PATIENCE) => tracing::warn!(what, "not finished in time"),
        () = signals.hasten().cancelled() => tracing::warn!(what, "not waited for"),
    }
}
