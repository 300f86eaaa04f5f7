//! The PostgreSQL of the bench: a server of its own, set as such a server usually is, and what is asked of it beside the
//! load. Everybody who is compared works on this one.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use anyhow::Context;
use embedded_postgres::{ConnectionInfo, EmbeddedPostgres, Options};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tempfile::TempDir;

use crate::processes;

/// The superuser and the database of our own side, called as the program calls its own.
pub(crate) const NAME: &str = "owncircle";

/// The database that pgbench works on.
pub(crate) const PEER: &str = "bench_peer";

/// The database with a long past.
pub(crate) const LARGE: &str = "bench_large";

/// The database with many promotions.
pub(crate) const RULES: &str = "bench_rules";

/// Connections that the services, commands beside them, pgbench, peers and the bench take together, with room.
const CONNECTIONS: u32 = 300;

/// What differs from the settings that the program gives a PostgreSQL of its own. Commits stay durable.
const SETTINGS: [(&str, &str); 6] = [
    ("effective_cache_size", "12GB"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "512MB"),
    ("wal_buffers", "16MB"),
    ("max_wal_size", "6GB"),
    ("checkpoint_timeout", "30min"),
];

/// Size of a file of the write-ahead log, MiB.
const LOG_FILE: u32 = 16;

/// A quarter of the memory is for shared buffers, as the manual of PostgreSQL advises for a server of its own. So many
/// files of the log are kept to be used again.
fn settings(log_files: u32) -> Vec<(String, String)> {
    let buffers = format!("{}MB", (processes::memory_mib() / 4).max(128));
    let kept = format!("{}MB", log_files * LOG_FILE);
    let others = SETTINGS.map(|(name, value)| (name, value.to_owned()));
    [("shared_buffers", buffers), ("min_wal_size", kept)]
        .into_iter()
        .chain(others)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A running server and the folder of everything; both go with it.
#[derive(Debug)]
pub(crate) struct Cluster {
    server: EmbeddedPostgres,
    process: u32,
    folder: TempDir,
}

/// What the database server has written and everybody has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    /// When.
    pub(crate) at: Instant,
    /// Bytes of the write-ahead log.
    pub(crate) wal: i64,
    /// Processor time of all its processes, microseconds.
    pub(crate) processor: u64,
    /// Processor time of what is none of the bench's: of the machine, less that of the bench and all that it started.
    pub(crate) foreign: u64,
}

impl Cluster {
    /// Starts it in a folder for temporary files; BENCH_DIR names another place for that. `log_files`: how many files of
    /// the write-ahead log are there before anything is measured. A server that has run for a day uses its old files
    /// again; a new one fills each new file with zeros first, 50 ms in which nobody commits.
    ///
    /// # Errors
    /// If PostgreSQL does not start.
    pub(crate) async fn start(log_files: u32) -> anyhow::Result<Self> {
        let place = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = tempfile::Builder::new()
            .prefix("owncircle-bench-")
            .tempdir_in(&place)
            .with_context(|| place.display().to_string())?;
        // The account that runs PostgreSQL must pass through; what is secret inside is closed by itself.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o711))?;
        let home = folder.path().join("postgres");
        let options = Options {
            bin_dir: std::env::var_os("OWNCIRCLE_POSTGRES_BIN").map(PathBuf::from),
            user: NAME.to_owned(),
            database: NAME.to_owned(),
            max_connections: CONNECTIONS,
            settings: settings(log_files),
            ..Options::new(&home)
        };
        let server = EmbeddedPostgres::start(options).await?;
        let process = processes::postmaster(&home.join("cluster"))?;
        let cluster = Self {
            server,
            process,
            folder,
        };
        cluster.make_log_files(log_files).await?;
        Ok(cluster)
    }

    /// Writes so much into the log that there are old files to be used again.
    async fn make_log_files(&self, count: u32) -> anyhow::Result<()> {
        let mut conn = self.open(NAME).await?;
        for _ in 0..count {
            let next = "select pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()";
            sqlx::raw_sql(next).execute(&mut conn).await?;
        }
        sqlx::raw_sql("checkpoint").execute(&mut conn).await?;
        Ok(conn.close().await?)
    }

    /// The folder for everything that the bench makes.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it listens.
    pub(crate) fn connection(&self) -> &ConnectionInfo {
        self.server.connection()
    }

    /// The address of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        self.server.connection().url_of(database)
    }

    /// Runs statements on a database.
    ///
    /// # Errors
    /// If one of them fails.
    pub(crate) async fn execute(&self, database: &str, statements: &str) -> anyhow::Result<()> {
        let mut conn = self.open(database).await?;
        let text = AssertSqlSafe(statements.to_owned());
        sqlx::raw_sql(text).execute(&mut conn).await?;
        Ok(conn.close().await?)
    }

    /// Opens a connection with the rights of the superuser.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(crate) async fn open(&self, database: &str) -> anyhow::Result<PgConnection> {
        let options = PgConnectOptions::from_str(&self.url(database))?;
        Ok(PgConnection::connect_with(&options).await?)
    }

    /// The one number that a statement gives.
    ///
    /// # Errors
    /// If it gives none.
    pub(crate) async fn number(&self, database: &str, statement: &str) -> anyhow::Result<i64> {
        let mut conn = self.open(database).await?;
        let text = AssertSqlSafe(statement.to_owned());
        let row = sqlx::query(text).fetch_one(&mut conn).await?;
        conn.close().await?;
        Ok(row.try_get(0)?)
    }

    /// Does at once, in all databases, what autovacuum would do later: beside the next load, which has nothing to do with
    /// it.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(crate) async fn clean(&self) -> anyhow::Result<()> {
        let mut conn = self.open(NAME).await?;
        let databases =
            "select datname::text from pg_database where datallowconn and not datistemplate";
        let databases: Vec<String> = sqlx::query_scalar(databases).fetch_all(&mut conn).await?;
        conn.close().await?;
        for database in databases {
            let mut conn = self.open(&database).await?;
            let tables: Vec<String> = sqlx::query_scalar(
                "select format('%I.%I', schemaname, relname) from pg_stat_user_tables
                 where n_mod_since_analyze > 1000 or n_ins_since_vacuum > 1000 or n_dead_tup > 1000",
            )
            .fetch_all(&mut conn)
            .await?;
            for table in tables {
                let vacuum = AssertSqlSafe(format!("vacuum (analyze) {table}"));
                sqlx::raw_sql(vacuum).execute(&mut conn).await?;
            }
            conn.close().await?;
        }
        Ok(())
    }

    /// What was written and used so far.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(crate) async fn written(&self) -> anyhow::Result<Written> {
        let position = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";
        let wal = self.number(NAME, position).await?;
        let own = processes::processor_micros(std::process::id())?;
        Ok(Written {
            at: Instant::now(),
            wal,
            processor: processes::processor_micros(self.process)?,
            foreign: processes::machine_micros()?.saturating_sub(own),
        })
    }

    /// Copies a database to which nobody is connected.
    ///
    /// # Errors
    /// If the server refuses.
    pub(crate) async fn copy(&self, from: &str, to: &str) -> anyhow::Result<()> {
        // Files are copied as they are instead of being written to the log page by page.
        let copy = format!("create database {to} template {from} strategy file_copy");
        let Err(error) = self.execute("postgres", &copy).await else {
            return Ok(());
        };
        let who = format!(
            "select coalesce(string_agg(concat_ws(' ', backend_type, application_name, state, query), '; '), 'nobody') \
             from pg_stat_activity where datname = '{from}'"
        );
        let mut conn = self.open("postgres").await?;
        let who: String = sqlx::query_scalar(AssertSqlSafe(who))
            .fetch_one(&mut conn)
            .await?;
        conn.close().await?;
        Err(error.context(format!("{from} is used by: {who}")))
    }

    /// The version of the server.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(crate) async fn version(&self) -> anyhow::Result<i64> {
        let version = "select current_setting('server_version_num')::bigint / 10000";
        self.number(NAME, version).await
    }

    /// Stops the server; the folder goes too.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }
}
