//! A database for each test, the jobs that the tests run, and waiting for conditions instead of sleeping.

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use jobs::{Handler, Job, JobError, JobRun, OnDuplicate, Registry};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tokio::sync::{Notify, mpsc};

pub const ROLE: &str = "jobs_test_app";

/// Longer than anything takes; only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A database of the test's own, migrated; `app` connects with the rights of the lesser role.
pub struct TestDb {
    pub owner: PgPool,
    pub app: PgPool,
    options: PgConnectOptions,
    server: PgConnectOptions,
    name: String,
}

impl TestDb {
    pub async fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var("OWNCIRCLE_TEST_DATABASE_URL")
            .expect("OWNCIRCLE_TEST_DATABASE_URL names a server where databases may be created");
        let server = PgConnectOptions::from_str(&url).unwrap();
        let name = format!(
            "jobs_test_{}_{}",
            std::process::id(),
            COUNTER.fetch_add(1, Ordering::Relaxed)
        );
        let mut conn = PgConnection::connect_with(&server).await.unwrap();
        // Roles belong to the whole server, so tests that start together meet here.
        sqlx::raw_sql(
            "do $$ begin
                 perform pg_advisory_xact_lock(hashtext('jobs_test_app'));
                 if not exists (select from pg_roles where rolname = 'jobs_test_app') then
                     create role jobs_test_app nologin;
                 end if;
             end $$",
        )
        .execute(&mut conn)
        .await
        .unwrap();
        for statement in ["drop database if exists", "create database"] {
            sqlx::query(AssertSqlSafe(format!("{statement} {name}")))
                .execute(&mut conn)
                .await
                .unwrap();
        }
        let options = server.clone().database(&name);
        let owner = PgPoolOptions::new()
            .max_connections(3)
            .connect_with(options.clone())
            .await
            .unwrap();
        jobs::migrate(&owner, Some(ROLE)).await.unwrap();
        let app = app_pool(&options).await;
        Self {
            owner,
            app,
            options,
            server,
            name,
        }
    }

    /// Another pool of the lesser role, for a worker that is to die with it.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    pub async fn conn(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.app.acquire().await.unwrap()
    }

    /// All jobs in the queue, newest first.
    pub async fn queue(&self) -> Vec<jobs::admin::JobRow> {
        jobs::admin::list(&mut *self.conn().await, jobs::admin::Filter::default(), 100)
            .await
            .unwrap()
    }

    /// Waits until the jobs in the queue are as wanted; each look is a round trip, with no sleep between.
    pub async fn until(
        &self,
        wanted: impl Fn(&[jobs::admin::JobRow]) -> bool,
    ) -> Vec<jobs::admin::JobRow> {
        let look = async {
            loop {
                let rows = self.queue().await;
                if wanted(&rows) {
                    return rows;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, look)
            .await
            .expect("the queue reaches the wanted state")
    }

    pub async fn drop(self) {
        self.app.close().await;
        self.owner.close().await;
        let mut conn = PgConnection::connect_with(&self.server).await.unwrap();
        let drop = format!("drop database {} with (force)", self.name);
        sqlx::query(AssertSqlSafe(drop))
            .execute(&mut conn)
            .await
            .unwrap();
    }
}

pub async fn app_pool(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(8)
        .after_connect(|conn, _| {
            Box::pin(async move {
                sqlx::query("set role jobs_test_app")
                    .execute(conn)
                    .await
                    .map(|_| ())
            })
        })
        .connect_with(options.clone())
        .await
        .unwrap()
}

/// What the jobs of a test share: where they report, and a gate that holds them.
#[derive(Clone)]
pub struct Context {
    pub reports: mpsc::UnboundedSender<String>,
    pub gate: Arc<Notify>,
    pub pool: Option<PgPool>,
}

pub struct Reports(mpsc::UnboundedReceiver<String>);

impl Reports {
    pub async fn next(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.0.recv())
            .await
            .expect("a job reports")
            .expect("the context lives")
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

pub fn context() -> (Context, Reports) {
    let (reports, receiver) = mpsc::unbounded_channel();
    (
        Context {
            reports,
            gate: Arc::new(Notify::new()),
            pool: None,
        },
        Reports(receiver),
    )
}

/// Reports its text; `Throttled` is the same with the other treatment of duplicates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Say {
    pub text: String,
    pub key: Option<String>,
}

pub fn say(text: &str) -> Say {
    Say {
        text: text.into(),
        key: None,
    }
}

pub fn say_once(text: &str, key: &str) -> Say {
    Say {
        text: text.into(),
        key: Some(key.into()),
    }
}

impl Job for Say {
    const NAME: &'static str = "say";
    fn unique_key(&self) -> Option<String> {
        self.key.clone()
    }
}

impl Handler<Context> for Say {
    async fn run(self, context: Context, run: JobRun) -> Result<(), JobError> {
        context
            .reports
            .send(format!("{} {}", self.text, run.attempt))
            .map_err(JobError::retry)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Throttled {
    pub text: String,
}

impl Job for Throttled {
    const NAME: &'static str = "throttled";
    const ON_DUPLICATE: OnDuplicate = OnDuplicate::KeepRunAt;
    fn unique_key(&self) -> Option<String> {
        Some("one".into())
    }
}

/// Fails as told: `retry` until the given attempt, `give_up`, `panic`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fail {
    pub how: String,
    pub until: i16,
}

impl Job for Fail {
    const NAME: &'static str = "fail";
    const MAX_ATTEMPTS: i16 = 3;
}

impl Handler<Context> for Fail {
    async fn run(self, context: Context, run: JobRun) -> Result<(), JobError> {
        if run.attempt >= self.until {
            return context
                .reports
                .send(format!("worked {}", run.attempt))
                .map_err(JobError::retry);
        }
        match self.how.as_str() {
            "give_up" => Err(JobError::give_up("no \"such\" thing")),
            "panic" => panic!("at the disco"),
            _ => Err(JobError::retry("not yet")),
        }
    }
}

/// Reports that it runs, then waits at the gate; ends early with a retry when the worker stops, if it is polite.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wait {
    pub polite: bool,
}

impl Job for Wait {
    const NAME: &'static str = "wait";
    const QUEUE: Option<&'static str> = Some("waiting room");
}

impl Handler<Context> for Wait {
    async fn run(self, context: Context, run: JobRun) -> Result<(), JobError> {
        context
            .reports
            .send(format!("waiting {}", run.attempt))
            .map_err(JobError::retry)?;
        tokio::select! {
            () = context.gate.notified() => context.reports.send("released".into()).map_err(JobError::retry),
            () = run.stop.cancelled(), if self.polite => Err(JobError::retry("stopping")),
        }
    }
}

/// A job without a payload that enqueues another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spawn;

impl Job for Spawn {
    const NAME: &'static str = "spawn";
    const PRIORITY: i16 = -10;
}

impl Handler<Context> for Spawn {
    async fn run(self, context: Context, run: JobRun) -> Result<(), JobError> {
        let pool = context.pool.ok_or_else(|| JobError::give_up("no pool"))?;
        let mut conn = pool.acquire().await?;
        jobs::enqueue(&mut conn, &say("spawned"), run.due_at)
            .await
            .map_err(JobError::retry)?;
        Ok(())
    }
}

pub fn registry() -> Registry<Context> {
    Registry::new()
        .job::<Say>()
        .job::<Fail>()
        .job::<Wait>()
        .job::<Spawn>()
}

pub fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 3, 12, hour, minute, 0).unwrap()
}
