//! The tables of the queue: made by the queue crate's own migrations, then opened to the role that the program runs as.

use sqlx::{AssertSqlSafe, Connection as _, PgPool};

/// Why the queue's tables could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The queue crate's own migrations failed.
    #[error("the queue's migrations: {0}")]
    Queue(String),
    /// The rights could not be granted.
    #[error("granting the queue to the program's role")]
    Database(#[from] sqlx::Error),
}

/// What a worker and an enqueuing transaction need. `%1$I` is the role; the server quotes it.
const GRANTS: &str = "
    select format(statement, rolname) from pg_roles, unnest(array[
        'grant usage on schema graphile_worker to %1$I',
        'grant select, insert, update, delete on all tables in schema graphile_worker to %1$I',
        'revoke insert, update, delete on graphile_worker.migrations from %1$I',
        'grant usage on all sequences in schema graphile_worker to %1$I',
        'grant execute on all functions in schema graphile_worker to %1$I'
    ]) as statement
    where rolname = $1";

/// The queue turns row level security on and leaves it without a policy, which shuts out everybody but the owner.
const POLICIES: &str = "
    select format('create policy %1$I on graphile_worker.%2$I to %1$I using (true) with check (true)', rolname, relname)
    from pg_roles, pg_class
    where rolname = $1 and relnamespace = 'graphile_worker'::regnamespace and relrowsecurity
      and not exists (select from pg_policy where polrelid = pg_class.oid and polname = rolname)";

/// Brings the queue's tables up to date and grants them to `role` if the server has such a role.
///
/// `owner` connects as the owner of the database. Workers check the tables again when they start, but as long as this
/// has run with the same build they only read. Two callers at the same time are safe.
///
/// # Errors
/// When the database refuses; what was done stays, and the next call goes on.
pub async fn migrate(owner: &PgPool, role: Option<&str>) -> Result<(), MigrateError> {
    graphile_worker::WorkerUtils::new(owner.clone(), "graphile_worker")
        .migrate()
        .await
        .map_err(|error| MigrateError::Queue(error.to_string()))?;
    let Some(role) = role else { return Ok(()) };
    let mut conn = owner.acquire().await?;
    let mut tx = conn.begin().await?;
    // Two servers that start at once would otherwise grant on the same rows and meet "tuple concurrently updated".
    sqlx::query("lock table graphile_worker.migrations in share row exclusive mode")
        .execute(&mut *tx)
        .await?;
    for catalogue in [GRANTS, POLICIES] {
        let statements: Vec<String> = sqlx::query_scalar(catalogue)
            .bind(role)
            .fetch_all(&mut *tx)
            .await?;
        for statement in statements {
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut *tx)
                .await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
