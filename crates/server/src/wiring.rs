//! Puts the parts together: configuration in, contexts out. A new part is made here and nowhere else.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use connectors::sms::NoSms;
use domain::phone::Region;
use domain::programme::ProgrammeSettings;
use http_kit::rate_limit::Quota;
use http_kit::{HttpConfig, Readiness};
use jobs::WorkerBuilder;
use services::auth::code_rules::CodeRules;
use services::clock::Clock;
use services::context::{Context, ContextParts, ServiceConfig, StaffSecondFactor};
use services::housekeeping::maintain_partitions;
use services::ids::IdSource;
use services::jobs::Timetable;
use services::loyalty::engine::EngineConfig;
use services::vault::Vault;
use shared_state::SharedState;

use crate::config::{
    Config, Environment, Posting, SecondFactor, network, test_number, test_numbers_until,
};
use crate::database::Database;
use crate::{data_dir, job_registry, master_key, schedules};

/// How long a start waits for Redis.
const REDIS_PATIENCE: Duration = Duration::from_secs(2);

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
    let vault = Vault::new(&master_key::load(config, folder)?);
    let shared = shared_state(config, &vault, &clock).await?;
    let parts = ContextParts {
        pool,
        ids: IdSource::new(clock.clone()),
        clock,
        vault,
        sms: Arc::new(NoSms),
        config: service_config(config, folder)?,
    };
    Ok(Context::with_shared(parts, shared))
}

/// What is counted together with other processes. One that starts while Redis is away starts all the same.
async fn shared_state(
    config: &Config,
    vault: &Vault,
    clock: &Clock,
) -> anyhow::Result<SharedState> {
    let (key, now) = (vault.shared_state_key(), clock.for_counting());
    let Some(url) = &config.redis_url else {
        return Ok(SharedState::in_process(key, now));
    };
    let patience = Duration::from_millis(config.redis_timeout_ms.get().into());
    let shared = SharedState::on_redis(url.reveal(), key, now, patience).context("redis_url")?;
    if !shared.wait_until_shared(REDIS_PATIENCE).await {
        tracing::warn!(
            "Redis does not answer; until it does, this process counts alone and sends no codes"
        );
    }
    Ok(shared)
}

fn service_config(config: &Config, folder: &Path) -> anyhow::Result<ServiceConfig> {
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
        codes: code_rules(config)?,
        signing_alg: config.tokens.alg,
        staff_second_factor: match config.auth.staff_second_factor {
            SecondFactor::Required => StaffSecondFactor::Required,
            SecondFactor::Optional => StaffSecondFactor::Optional,
        },
        timetable: Timetable::new(schedules::all(config.programme.time_zone)?),
        engine: engine_config(&config.posting),
        audit_anchors: Some(data_dir::anchors(config, folder)),
    })
}

fn code_rules(config: &Config) -> anyhow::Result<CodeRules> {
    let sms = &config.sms;
    let region = sms.default_region.parse().context("sms.default_region")?;
    let test_numbers = sms.test_numbers.iter();
    Ok(CodeRules {
        hourly_budget: sms.hourly_budget,
        daily_budget: sms.daily_budget,
        per_network: sms.per_network,
        per_device: sms.per_device,
        per_prefix: sms.per_prefix,
        per_region: sms.per_region,
        brake_after: sms.brake_after.get(),
        app_hash: Some(sms.android_app_hash.clone()).filter(|hash| !hash.is_empty()),
        test_numbers: test_numbers
            .filter_map(|text| test_number(text, region))
            .collect(),
        test_numbers_until: test_numbers_until(&sms.test_numbers_until),
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
        trusted_proxies: limits
            .trusted_proxies
            .iter()
            .filter_map(|text| network(text))
            .collect(),
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
