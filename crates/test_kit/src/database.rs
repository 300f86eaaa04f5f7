//! A database for each test, copied from a template that is migrated once. The template's name holds the hash of
//! the migrations, so a changed migration makes a new one; its predecessors are dropped.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::programme::ProgrammeSettings;
use services::auth::signing_keys;
use services::loyalty::ladder;
use services::programme;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use store::pool::{APP_ROLE, connect, connect_as_owner};

use crate::app::context;
use crate::confidence;

/// Read for the checksums only; `store::migrate` applies them.
static MIGRATIONS: Migrator = sqlx::migrate!("../store/migrations");

/// Held while the template is looked for and made, so that tests that start together make it once.
const TEMPLATE_LOCK: i64 = 7_120_114;

/// A migrated, empty database; it is dropped with this value, and the log is looked through for what it must not tell.
#[derive(Debug)]
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
}

impl TestDatabase {
    /// Copies the template. From here on the log of the test is kept, see `confidence`.
    ///
    /// # Panics
    /// If the server cannot be reached or refuses: a test cannot go on then.
    pub async fn create() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        confidence::listen();
        let url = std::env::var("OWNCIRCLE_TEST_DATABASE_URL")
            .expect("OWNCIRCLE_TEST_DATABASE_URL names a server where databases may be created");
        let server = PgConnectOptions::from_str(&url)
            .expect("OWNCIRCLE_TEST_DATABASE_URL is a PostgreSQL address");
        let template = template_name();
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("owncircle_test_{}_{number}", std::process::id());
        let mut conn = PgConnection::connect_with(&server)
            .await
            .expect("the test server answers");
        ensure_template(&mut conn, &server, &template).await;
        execute(
            &mut conn,
            format!("drop database if exists {name} with (force)"),
        )
        .await;
        execute(
            &mut conn,
            format!("create database {name} template {template}"),
        )
        .await;
        Self { server, name }
    }

    /// The address of the database.
    #[must_use]
    pub fn url(&self) -> String {
        self.server
            .clone()
            .database(&self.name)
            .to_url_lossy()
            .to_string()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A drop cannot wait inside the test's runtime, so it has one of its own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                if let Ok(mut conn) = PgConnection::connect_with(&server).await {
                    let statement = format!("drop database if exists {name} with (force)");
                    // What cannot be dropped now is dropped by the next run that takes the name.
                    let _left = sqlx::query(AssertSqlSafe(statement))
                        .execute(&mut conn)
                        .await;
                }
            });
        });
        let _panicked = dropping.join();
        confidence::assert_kept();
    }
}

/// Part of the template's name: raised when [`seed`] changes.
const SEED: u8 = 1;

fn template_name() -> String {
    let mut bytes = vec![SEED];
    for migration in MIGRATIONS.iter() {
        bytes.extend_from_slice(&migration.checksum);
    }
    let mut name = "owncircle_template_".to_owned();
    for byte in &http_kit::json::sha256(&bytes)[..8] {
        write!(name, "{byte:02x}").expect("a string takes everything");
    }
    name
}

async fn ensure_template(conn: &mut PgConnection, server: &PgConnectOptions, template: &str) {
    if exists(conn, template).await {
        return;
    }
    sqlx::query("select pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut *conn)
        .await
        .expect("the lock of the template");
    if !exists(conn, template).await {
        drop_predecessors(conn).await;
        // Made under another name first: a template that has its name is whole.
        let unfinished = format!("{template}_new");
        execute(
            conn,
            format!("drop database if exists {unfinished} with (force)"),
        )
        .await;
        execute(
            conn,
            format!(
                "create database {unfinished} template template0 encoding 'UTF8' locale 'C.UTF-8'"
            ),
        )
        .await;
        let url = server
            .clone()
            .database(&unfinished)
            .to_url_lossy()
            .to_string();
        let owner = connect_as_owner(&url)
            .await
            .expect("the new template answers");
        store::migrate::up(&owner)
            .await
            .expect("the migrations apply");
        jobs::migrate(&owner, Some(APP_ROLE))
            .await
            .expect("the queue's migrations apply");
        owner.close().await;
        seed(&url).await;
        execute(
            conn,
            format!("alter database {unfinished} rename to {template}"),
        )
        .await;
    }
    sqlx::query("select pg_advisory_unlock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut *conn)
        .await
        .expect("the lock of the template");
}

/// What every programme has from its first start: settings, tiers, signing keys.
async fn seed(url: &str) {
    let pool = connect(url, 2).await.expect("the new template answers");
    let ctx = context(pool, Arc::default());
    let settings = ProgrammeSettings::starting("Own Circle", "RUB", chrono_tz::Europe::Moscow);
    programme::start(&ctx, &settings)
        .await
        .expect("the programme starts");
    ladder::start(&ctx).await.expect("the tiers start");
    signing_keys::ensure(&ctx)
        .await
        .expect("the signing keys are made");
    ctx.pool().close().await;
}

async fn exists(conn: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(conn)
        .await
        .expect("the catalogue can be read")
}

async fn drop_predecessors(conn: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        r"select datname::text from pg_database where datname like 'owncircle\_template\_%'",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("the catalogue can be read");
    for name in names {
        // One that somebody just copies from stays until the next time.
        let _busy = sqlx::query(AssertSqlSafe(format!("drop database if exists {name}")))
            .execute(&mut *conn)
            .await;
    }
}

async fn execute(conn: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement.clone()))
        .execute(conn)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}
