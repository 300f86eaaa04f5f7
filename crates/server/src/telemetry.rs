//! The log and the metrics of the process.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};
use crate::log_buffer::{LogBuffer, LogGuard};

/// What says nothing new: notices of migrations that a table is there already.
const QUIET: &str = "sqlx::postgres::notice=warn,graphile_worker_migrations=warn,graphile_worker_migrations_core=warn";

/// How often old samples of histograms are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds for durations, seconds.
const DURATION_BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// What has been counted; cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    handle: Arc<PrometheusHandle>,
}

impl Metrics {
    /// The text that Prometheus reads.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }
}

/// Sends log lines of this process to the standard error stream, each at once.
///
/// # Errors
/// If the level can't be read, or a log was installed before.
pub(crate) fn install_log(log: &Log) -> anyhow::Result<()> {
    install(log, std::io::stderr)
}

/// The same for a service, which writes a line a request: lines go out a moment later, unless a person is watching.
/// Keep the guard to the end.
///
/// # Errors
/// If the level can't be read, or a log was installed before.
pub(crate) fn install_log_of_service(log: &Log) -> anyhow::Result<Option<LogGuard>> {
    if std::io::stderr().is_terminal() {
        install_log(log)?;
        return Ok(None);
    }
    let buffer = LogBuffer::new(std::io::stderr()).context("the log's thread")?;
    install(log, buffer.clone())?;
    Ok(Some(buffer.closing()))
}

fn install<W>(log: &Log, writer: W) -> anyhow::Result<()>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let directives = format!("{QUIET},{},{}", services::log::secrecy(), log.level);
    let filter = EnvFilter::try_new(directives).context("log.level")?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    let installed = match log.format {
        LogFormat::Text => builder
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("the log: {error}"))
}

/// Starts counting.
///
/// # Errors
/// If a recorder was installed before.
pub(crate) fn install_metrics() -> anyhow::Result<Metrics> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BUCKETS)?
        .install_recorder()?;
    let metrics = Metrics {
        handle: Arc::new(handle),
    };
    let upkept = metrics.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkept.handle.run_upkeep();
        }
    });
    Ok(metrics)
}
