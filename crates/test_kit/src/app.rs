//! The service under test.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::{DateTime, TimeZone as _, Utc};
use connectors::sms::RecordingSms;
use http::Method;
use http_kit::HttpConfig;
use services::auth::code_rules::CodeRules;
use services::clock::Clock;
use services::context::{Context, ContextParts, ServiceConfig};
use services::ids::IdSource;
use services::vault::{DataKeys, Vault};
use shared_state::SharedState;
use sqlx::PgPool;

use crate::database::TestDatabase;
use crate::request::RequestBuilder;
use crate::wire::Wire;

/// The master key of every test.
pub const TEST_MASTER_KEY: [u8; 32] = [7; 32];

/// When every test begins: Monday, 2 March 2026, noon in Moscow.
#[must_use]
pub fn start_of_tests() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0)
        .single()
        .expect("a moment")
}

/// The usual settings of tests: messages are shown, and only each phone bounds its codes.
#[must_use]
pub fn config_of_tests() -> ServiceConfig {
    ServiceConfig {
        development: true,
        codes: CodeRules::unlimited(),
        ..ServiceConfig::default()
    }
}

/// The usual context of tests: a clock that stands still, a master key that is always the same.
pub(crate) fn context(pool: PgPool, sms: Arc<RecordingSms>) -> Context {
    context_with(
        Clock::manual(start_of_tests()),
        pool,
        sms,
        config_of_tests(),
    )
}

fn context_with(
    clock: Clock,
    pool: PgPool,
    sms: Arc<RecordingSms>,
    config: ServiceConfig,
) -> Context {
    Context::new(ContextParts {
        config,
        ..parts(&DataKeys::default(), clock, pool, sms)
    })
}

fn parts(keys: &DataKeys, clock: Clock, pool: PgPool, sms: Arc<RecordingSms>) -> ContextParts {
    ContextParts {
        pool,
        ids: IdSource::new(clock.clone()),
        clock,
        vault: Vault::with_data_keys(&TEST_MASTER_KEY, keys).expect("keys that fit together"),
        sms,
        config: config_of_tests(),
    }
}

/// What a server shares with others, on this Redis. `programme` tells those of one test from all others.
async fn shared_on(redis: &str, programme: &str, clock: &Clock) -> SharedState {
    let secret = http_kit::json::sha256(programme.as_bytes());
    let now = clock.for_counting();
    // A machine under load is slow, and a test counts exactly.
    let shared = SharedState::on_redis(redis, &secret, now, Duration::from_secs(10))
        .expect("the address of a Redis");
    // One that is away is a test, too.
    shared.wait_until_shared(REDIS_PATIENCE).await;
    shared
}

/// How long a server under test waits for Redis when it starts.
const REDIS_PATIENCE: Duration = Duration::from_secs(2);

/// The servers of Redis or Valkey that tests may use.
///
/// # Panics
/// If the surroundings name none.
#[must_use]
pub fn redis_servers() -> Vec<String> {
    let all = std::env::var("OWNCIRCLE_TEST_REDIS_URL")
        .expect("OWNCIRCLE_TEST_REDIS_URL names servers that tests may use, separated by blanks");
    let all: Vec<String> = all.split_whitespace().map(ToOwned::to_owned).collect();
    assert!(!all.is_empty(), "OWNCIRCLE_TEST_REDIS_URL names no server");
    all
}

/// The real router on a database of its own. Dropping it drops the database.
#[derive(Debug)]
pub struct TestApp {
    /// The way to the use cases.
    pub context: Context,
    /// The text messages that were sent.
    pub sms: Arc<RecordingSms>,
    router: Router,
    // Last, so that the connections are closed before the database is dropped.
    database: Arc<TestDatabase>,
}

impl TestApp {
    /// A service with the usual settings.
    pub async fn start() -> Self {
        Self::with_http(HttpConfig::default()).await
    }

    /// A service with other HTTP settings.
    ///
    /// # Panics
    /// If there is no database to be had.
    pub async fn with_http(http: HttpConfig) -> Self {
        let database = TestDatabase::create().await;
        let url = database.url();
        Self::on(database, &url, http).await
    }

    /// A service with the usual settings in the real present, for a program beside it that runs on the same database.
    ///
    /// # Panics
    /// If there is no database to be had.
    pub async fn at_present() -> Self {
        let database = TestDatabase::create().await;
        let url = database.url();
        let config = config_of_tests();
        Self::at(Clock::System, database, &url, HttpConfig::default(), config).await
    }

    /// A service with other settings of the use cases.
    ///
    /// # Panics
    /// If there is no database to be had.
    pub async fn with_config(config: ServiceConfig) -> Self {
        Self::with(config, HttpConfig::default()).await
    }

    /// A service with other settings of both sides.
    ///
    /// # Panics
    /// If there is no database to be had.
    pub async fn with(config: ServiceConfig, http: HttpConfig) -> Self {
        let database = TestDatabase::create().await;
        let url = database.url();
        Self::on_with(database, &url, http, config).await
    }

    /// A service with the usual settings whose time begins at another moment.
    ///
    /// # Panics
    /// If there is no database to be had.
    pub async fn start_at(moment: DateTime<Utc>) -> Self {
        let database = TestDatabase::create().await;
        let (url, config) = (database.url(), config_of_tests());
        let clock = Clock::manual(moment);
        Self::at(clock, database, &url, HttpConfig::default(), config).await
    }

    /// A service with the usual settings whose round trips to the database are counted.
    ///
    /// # Panics
    /// If there is no database to be had.
    pub async fn counted() -> (Self, Wire) {
        let database = TestDatabase::create().await;
        let wire = Wire::open(&database.url()).await;
        let app = Self::on(database, wire.url(), HttpConfig::default()).await;
        (app, wire)
    }

    /// Waits until nothing is on its way to the database or back: what goes on after an answer is over then.
    pub async fn quiet(&self, wire: &Wire) {
        let pool = self.context.pool();
        let rests = || {
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            wire.is_quiet() && idle >= pool.size()
        };
        let mut rested = 0;
        while rested < 100 {
            rested = if rests() { rested + 1 } else { 0 };
            tokio::task::yield_now().await;
        }
    }

    async fn on(database: TestDatabase, url: &str, http: HttpConfig) -> Self {
        Self::on_with(database, url, http, config_of_tests()).await
    }

    async fn on_with(
        database: TestDatabase,
        url: &str,
        http: HttpConfig,
        config: ServiceConfig,
    ) -> Self {
        Self::at(Clock::manual(start_of_tests()), database, url, http, config).await
    }

    async fn at(
        clock: Clock,
        database: TestDatabase,
        url: &str,
        http: HttpConfig,
        config: ServiceConfig,
    ) -> Self {
        let pool = store::pool::connect(url, 8)
            .await
            .expect("the test's database answers");
        let sms = Arc::new(RecordingSms::default());
        let context = context_with(clock, pool, Arc::clone(&sms), config);
        Self {
            router: rest_api::router(context.clone(), http),
            context,
            sms,
            database: Arc::new(database),
        }
    }

    /// A service that counts on this Redis, which may be away.
    ///
    /// # Panics
    /// If there is no database to be had.
    pub async fn on_redis(http: HttpConfig, redis: &str) -> Self {
        Self::on_redis_with(config_of_tests(), http, redis).await
    }

    /// The same with other settings of the services.
    ///
    /// # Panics
    /// If there is no database to be had.
    pub async fn on_redis_with(config: ServiceConfig, http: HttpConfig, redis: &str) -> Self {
        let database = Arc::new(TestDatabase::create().await);
        let (clock, sms) = (Clock::manual(start_of_tests()), Arc::default());
        Self::sharing(database, clock, sms, (config, http), redis).await
    }

    /// Another service on the same database and this Redis, with the same clock.
    ///
    /// # Panics
    /// If the database does not answer.
    pub async fn sibling(&self, http: HttpConfig, redis: &str) -> Self {
        let (database, sms) = (Arc::clone(&self.database), Arc::clone(&self.sms));
        let clock = self.context.clock().clone();
        let config = self.context.config().clone();
        Self::sharing(database, clock, sms, (config, http), redis).await
    }

    async fn sharing(
        database: Arc<TestDatabase>,
        clock: Clock,
        sms: Arc<RecordingSms>,
        (config, http): (ServiceConfig, HttpConfig),
        redis: &str,
    ) -> Self {
        let url = database.url();
        let shared = shared_on(redis, &url, &clock).await;
        let pool = store::pool::connect(&url, 8)
            .await
            .expect("the test's database answers");
        let parts = ContextParts {
            config,
            ..parts(&DataKeys::default(), clock, pool, Arc::clone(&sms))
        };
        let context = Context::with_shared(parts, shared);
        Self {
            router: rest_api::router(context.clone(), http),
            context,
            sms,
            database,
        }
    }

    /// Another service on the same database, with the same clock and with these keys of personal data.
    ///
    /// # Panics
    /// If the database does not answer or the keys don't fit together.
    pub async fn neighbour_under(&self, keys: &DataKeys) -> Self {
        let pool = store::pool::connect(&self.database.url(), 8)
            .await
            .expect("the test's database answers");
        let (clock, sms) = (self.context.clock().clone(), Arc::clone(&self.sms));
        let context = Context::new(parts(keys, clock, pool, Arc::clone(&sms)));
        Self {
            router: rest_api::router(context.clone(), HttpConfig::default()),
            context,
            sms,
            database: Arc::clone(&self.database),
        }
    }

    /// Another server on the same database, with the same clock.
    ///
    /// # Panics
    /// If the database does not answer.
    pub async fn neighbour(&self) -> Context {
        self.neighbour_with(self.context.config().clone()).await
    }

    /// Another server on the same database, with the same clock and other settings.
    ///
    /// # Panics
    /// If the database does not answer.
    pub async fn neighbour_with(&self, config: ServiceConfig) -> Context {
        let pool = store::pool::connect(&self.database.url(), 8)
            .await
            .expect("the test's database answers");
        let clock = self.context.clock().clone();
        context_with(clock, pool, Arc::clone(&self.sms), config)
    }

    /// The present moment of the test.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.context.clock().now()
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.context.clock().advance(by);
    }

    /// The address of the test's database.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.database.url()
    }

    /// The router, for what the helpers below don't do.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// A request of any method.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        RequestBuilder::new(self.router.clone(), method, path)
    }

    /// A GET.
    #[must_use]
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request("GET", path)
    }

    /// A POST.
    #[must_use]
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request("POST", path)
    }

    /// A PUT.
    #[must_use]
    pub fn put(&self, path: &str) -> RequestBuilder {
        self.request("PUT", path)
    }

    /// A PATCH.
    #[must_use]
    pub fn patch(&self, path: &str) -> RequestBuilder {
        self.request("PATCH", path)
    }

    /// A DELETE.
    #[must_use]
    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request("DELETE", path)
    }
}
