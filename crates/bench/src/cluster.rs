//! The PostgreSQL of the bench: a server of its own with the settings that the program gives its own, and what is
//! asked of it beside the load.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

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

/// Connections that the service, commands beside it, pgbench and the bench take together, with room.
const CONNECTIONS: u32 = 120;

/// A running server and the folder of everything; both go with it.
#[derive(Debug)]
pub(crate) struct Cluster {
    server: EmbeddedPostgres,
    process: u32,
    folder: TempDir,
}

/// What the database server has written and everybody has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    /// Bytes of the write-ahead log.
    pub(crate) wal: i64,
    /// Processor time of all its processes, microseconds.
    pub(crate) processor: u64,
    /// Processor time of what is none of the bench's: of the machine, less that of the bench and all that it started.
    pub(crate) foreign: u64,
}

impl Cluster {
    /// Starts it in a folder for temporary files; BENCH_DIR names another place for that.
    ///
    /// # Errors
    /// If PostgreSQL does not start.
    pub(crate) async fn start() -> anyhow::Result<Self> {
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
            ..Options::new(&home)
        };
        let server = EmbeddedPostgres::start(options).await?;
        let process = processes::postmaster(&home.join("cluster"))?;
        Ok(Self {
            server,
            process,
            folder,
        })
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

    /// What was written and used so far.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(crate) async fn written(&self) -> anyhow::Result<Written> {
        let position = "select (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint";
        let wal = self.number(NAME, position).await?;
        let own = processes::processor_micros(std::process::id())?;
        Ok(Written {
            wal,
            processor: processes::processor_micros(self.process)?,
            foreign: processes::machine_micros()?.saturating_sub(own),
        })
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
