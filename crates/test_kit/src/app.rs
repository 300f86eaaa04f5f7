//! The service under test.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::{DateTime, TimeZone as _, Utc};
use connectors::sms::RecordingSms;
use http::Method;
use http_kit::HttpConfig;
use services::clock::Clock;
use services::context::{Context, ContextParts, ServiceConfig};
use services::ids::IdSource;
use services::vault::Vault;
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

/// The usual context of tests: a clock that stands still, a master key that is always the same.
pub(crate) fn context(pool: PgPool, sms: Arc<RecordingSms>) -> Context {
    context_with(Clock::manual(start_of_tests()), pool, sms)
}

fn context_with(clock: Clock, pool: PgPool, sms: Arc<RecordingSms>) -> Context {
    Context::new(ContextParts {
        pool,
        ids: IdSource::new(clock.clone()),
        clock,
        vault: Vault::new(&TEST_MASTER_KEY),
        sms,
        config: ServiceConfig {
            development: true,
            ..ServiceConfig::default()
        },
    })
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
    database: TestDatabase,
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
        Self::at(Clock::System, database, &url, HttpConfig::default()).await
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
        Self::at(Clock::manual(start_of_tests()), database, url, http).await
    }

    async fn at(clock: Clock, database: TestDatabase, url: &str, http: HttpConfig) -> Self {
        let pool = store::pool::connect(url, 8)
            .await
            .expect("the test's database answers");
        let sms = Arc::new(RecordingSms::default());
        let context = context_with(clock, pool, Arc::clone(&sms));
        Self {
            router: rest_api::router(context.clone(), http),
            context,
            sms,
            database,
        }
    }

    /// Another server on the same database, with the same clock.
    ///
    /// # Panics
    /// If the database does not answer.
    pub async fn neighbour(&self) -> Context {
        let pool = store::pool::connect(&self.database.url(), 8)
            .await
            .expect("the test's database answers");
        context_with(self.context.clock().clone(), pool, Arc::clone(&self.sms))
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
