//! Brings the schema up to date, or back to an earlier version, under PostgreSQL's advisory lock: processes that start
//! at once wait for each other.

use sqlx::migrate::{MigrateError as Failure, Migrator};
use sqlx::{PgConnection, PgPool};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Lets the program's role read the version, which the health answer tells. The lock keeps two programs that start at
/// once from changing the same right.
const GRANT_VERSION: &str = "
    do $$
    begin
        if exists (select from pg_roles where rolname = 'owncircle_app') then
            lock table _sqlx_migrations in share row exclusive mode;
            if not has_table_privilege('owncircle_app', '_sqlx_migrations', 'select') then
                grant select on _sqlx_migrations to owncircle_app;
            end if;
        end if;
    end
    $$";

/// Why the schema could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There is no migration of this number.
    #[error("there is no migration {wanted}; the latest is {latest}, and 0 is an empty database")]
    Unknown {
        /// What was asked for.
        wanted: i64,
        /// The last that this program knows.
        latest: i64,
    },
    /// A migration failed; those before it stay.
    #[error("migrating the database")]
    Failed(#[source] Box<Failure>),
    /// The database could not be asked.
    #[error("asking the database for its version")]
    Database(#[from] sqlx::Error),
}

impl From<Failure> for MigrateError {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// The versions before and after; 0 is an empty database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Before.
    pub from: i64,
    /// After.
    pub to: i64,
}

/// The version that this program was built for.
#[must_use]
pub fn latest() -> i64 {
    MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// The version of the database; 0 when it has none.
///
/// # Errors
/// If the database can't be asked.
pub async fn current(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    // The table is made by the first migration run, so its absence is an answer too.
    let exists: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *conn)
        .await?;
    if !exists {
        return Ok(0);
    }
    sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(conn)
        .await
}

/// Applies every migration that is missing. A database that a later program has moved further is left as it is:
/// migrations are made so that the program before them still works.
///
/// # Errors
/// [`MigrateError::Failed`]; the migrations before the failed one stay.
pub async fn up(owner: &PgPool) -> Result<Moved, MigrateError> {
    let mut conn = owner.acquire().await?;
    let from = current(&mut conn).await?;
    tolerant().run(&mut *conn).await?;
    sqlx::raw_sql(GRANT_VERSION).execute(&mut *conn).await?;
    let to = current(&mut conn).await?;
    Ok(Moved { from, to })
}

/// Moves the database to version `wanted`, forward or back. Going back loses what the undone migrations had kept.
///
/// # Errors
/// [`MigrateError::Unknown`] for a number that is no migration, [`MigrateError::Failed`] as in [`up`].
pub async fn to(owner: &PgPool, wanted: i64) -> Result<Moved, MigrateError> {
    if wanted != 0 && !MIGRATOR.version_exists(wanted) {
        return Err(MigrateError::Unknown {
            wanted,
            latest: latest(),
        });
    }
    let mut conn = owner.acquire().await?;
    let from = current(&mut conn).await?;
    if wanted < from {
        MIGRATOR.undo(&mut *conn, wanted).await?;
    } else {
        tolerant().run_to(wanted, &mut *conn).await?;
        sqlx::raw_sql(GRANT_VERSION).execute(&mut *conn).await?;
    }
    let to = current(&mut conn).await?;
    Ok(Moved { from, to })
}

fn tolerant() -> Migrator {
    let mut migrator = Migrator::with_migrations(MIGRATOR.iter().cloned().collect());
    migrator.set_ignore_missing(true);
    migrator
}
