//! Puts the parts together: configuration in, contexts out. A new part is made here and nowhere else.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use connectors::sms::NoSms;
use domain::phone::Region;
use domain::programme::ProgrammeSettings;
use http_kit::client_address::{ProxyHeader, TrustedProxies};
use http_kit::rate_limit::Quota;
use http_kit::{HttpConfig, Readiness};
use jobs::WorkerBuilder;
use services::clock::Clock;
use services::context::{Context, ContextParts, ServiceConfig};
use services::housekeeping::maintain_partitions;
use services::ids::IdSource;
use services::jobs::Timetable;
use services::loyalty::engine::EngineConfig;
use services::vault::Vault;

use crate::config::{self, Config, Environment, Posting};
use crate::database::Database;
use crate::{job_registry, master_key, schedules};

/// What every use case has at hand.
///
/// # Errors
/// If the master key is unusable or the database can't be reached.
pub(crate) async fn context(
    config: &Config,
    folder: &Path,
    database: &Database,
) -> anyhow::Result<Context> {
    context_at(config, folder, database, Clock::System).await
}

/// The same with a clock of the caller's.
///
/// # Errors
/// If the master key is unusable or the database can't be reached.
pub(crate) async fn context_at(
    config: &Config,
    folder: &Path,
    database: &Database,
    clock: Clock,
) -> anyhow::Result<Context> {
    let pool = store::pool::connect(database.url(), config.database_pool_size.get())
        .await
        .context("cannot connect to the database")?;
    Ok(Context::new(ContextParts {
        pool,
        ids: IdSource::new(clock.clone()),
        clock,
        vault: Vault::new(&master_key::load(config, folder)?),
        sms: Arc::new(NoSms),
        config: service_config(config)?,
    }))
}

fn service_config(config: &Config) -> anyhow::Result<ServiceConfig> {
    let region = |code: &str| -> anyhow::Result<Region> {
        code.parse()
            .with_context(|| format!("sms: {code:?} is no country of ISO 3166"))
    };
    Ok(ServiceConfig {
        public_url: config.public_url.clone(),
        development: config.environment == Environment::Development,
        default_region: region(&config.sms.default_region)?,
        sms_regions: config
            .sms
            .regions
            .iter()
            .map(|code| region(code))
            .collect::<Result<_, _>>()?,
        sms_hourly_budget: config.sms.hourly_budget,
        timetable: Timetable::new(schedules::all(config.programme.time_zone)?),
        engine: engine_config(&config.posting),
    })
}

fn engine_config(posting: &Posting) -> EngineConfig {
    let count = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
    EngineConfig {
        workers: NonZeroUsize::new(count(posting.workers)),
        queue: count(posting.queue.get()),
        group: count(posting.group.get()),
        bulk: count(posting.bulk.get()),
    }
}

/// At every start: makes the programme and its ladder if they are not there, and the months to come of the tables by
/// month; refuses a master key that is not this database's.
///
/// # Errors
/// If the key is another's, or the database fails.
pub(crate) async fn start_programme(config: &Config, context: &Context) -> anyhow::Result<()> {
    let first = &config.programme;
    let settings = ProgrammeSettings::starting(&first.name, &first.currency, first.time_zone);
    services::programme::start(context, &settings).await?;
    services::loyalty::ladder::start(context).await?;
    // Nothing is refused for want of a month, so a start does not fail for it either.
    if let Err(error) = maintain_partitions::make(context, maintain_partitions::AHEAD).await {
        tracing::warn!(%error, "the months to come were not made; the nightly job tries again");
    }
    Ok(())
}

/// The settings of the HTTP side.
pub(crate) fn http_config(config: &Config, readiness: &Readiness) -> HttpConfig {
    let limits = &config.limits;
    let bytes = |value: std::num::NonZeroU32| usize::try_from(value.get()).unwrap_or(usize::MAX);
    let seconds = |value: std::num::NonZeroU32| Duration::from_secs(value.get().into());
    HttpConfig {
        body_bytes: bytes(limits.body_bytes),
        batch_bytes: bytes(limits.batch_bytes),
        import_bytes: bytes(limits.import_bytes),
        request_timeout: seconds(limits.request_seconds),
        upload_timeout: seconds(limits.upload_seconds),
        signed_in_quota: Quota {
            per_second: limits.requests_per_second,
            burst: limits.burst,
        },
        anonymous_quota: Quota {
            per_second: limits.anonymous_requests_per_second,
            burst: limits.anonymous_burst,
        },
        in_flight: limits.in_flight,
        proxies: TrustedProxies {
            networks: (config.trusted_proxies.iter())
                .filter_map(|network| network.parse().ok())
                .collect(),
            header: match config.proxy_header {
                config::ProxyHeader::XForwardedFor => ProxyHeader::XForwardedFor,
                config::ProxyHeader::Forwarded => ProxyHeader::Forwarded,
            },
        },
        readiness: readiness.clone(),
    }
}

/// The worker with all jobs and schedules.
///
/// # Errors
/// If a schedule is malformed.
pub(crate) fn worker(config: &Config, context: &Context) -> anyhow::Result<WorkerBuilder<Context>> {
    let clock = context.clock().clone();
    let now: jobs::Now = Arc::new(move || clock.now());
    let concurrency = usize::try_from(config.worker.concurrency.get()).unwrap_or(usize::MAX);
    let worker = WorkerBuilder::new(
        context.pool().clone(),
        job_registry::all(),
        context.clone(),
        now,
    );
    Ok(worker
        .schedules(schedules::all(config.programme.time_zone)?)
        .concurrency(concurrency))
}
