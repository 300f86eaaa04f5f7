//! Connections: a pool that works with the program's lesser rights, and one with the owner's for migrations.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::error::StoreError;

/// The role under which the program works, so far as the server has it and lets us take it.
pub const APP_ROLE: &str = "owncircle_app";

/// How long a request waits for a free connection.
const ACQUIRE_PATIENCE: Duration = Duration::from_secs(5);

/// How long a start waits for a database that is not there yet.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// How long a connection aside is kept that nobody uses.
const ASIDE_REST: Duration = Duration::from_secs(60);

/// Opens the pool of the running program: at most `size` connections, each with the program's role, a lock timeout
/// of 5 s, a statement timeout of 30 s and 60 s for a transaction that does nothing. What belongs to one business is
/// hidden from them, until a transaction says for whom it works.
///
/// # Errors
/// If the address is malformed, or nothing usable answers there.
pub async fn connect(url: &str, size: u32) -> Result<PgPool, StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_PATIENCE)
        .after_connect(|conn, _| Box::pin(prepare(conn)))
        .connect_with(options(url)?)
        .await?;
    Ok(pool)
}

/// Opens a small pool with the rights of the connecting account, for migrations. Waits up to a minute for a database
/// that is just starting. Row-level security is forced on the owner too, so these sessions work across businesses.
///
/// # Errors
/// If the address is malformed, or nothing usable answers there in time.
pub async fn connect_as_owner(url: &str) -> Result<PgPool, StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(4)
        .acquire_timeout(START_PATIENCE)
        .after_connect(|conn, _| Box::pin(work_across(conn)))
        .connect_with(options(url)?)
        .await?;
    Ok(pool)
}

/// A few connections beside the pool's, opened when they are needed, for work that holds one while it waits for others.
/// Taken from the pool itself, they could be all that those others wait for.
#[must_use]
pub fn aside(pool: &PgPool, size: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_PATIENCE)
        .idle_timeout(ASIDE_REST)
        .after_connect(|conn, _| Box::pin(prepare(conn)))
        .connect_lazy_with((*pool.connect_options()).clone())
}

/// Opens a connection of its own for a task that writes groups: with the address and the role of the pool's, a lock
/// timeout of 1 s, a statement timeout of 10 s, and plans that are made once. It works across businesses for as long as
/// it lives: a group holds purchases of several, and its statements are fixed.
///
/// A plan made while the tables were still empty would read them whole for as long as it lives, so that posting became
/// slower with every purchase. Each statement of these tasks has an index for each table, and only those plans are
/// looked for.
///
/// # Errors
/// If nothing usable answers.
pub async fn connect_one(pool: &PgPool) -> Result<PgConnection, StoreError> {
    let mut conn = PgConnection::connect_with(&pool.connect_options()).await?;
    prepare(&mut conn).await?;
    sqlx::query!(
        r#"select set_config('lock_timeout', '1s', false) as lock_timeout,
                  set_config('statement_timeout', '10s', false) as statement_timeout,
                  set_config('plan_cache_mode', 'force_generic_plan', false) as plans,
                  set_config('enable_seqscan', 'off', false) as seqscan,
                  set_config('app.business', '*', false) as business"#
    )
    .fetch_one(&mut conn)
    .await?;
    Ok(conn)
}

/// Lets the transaction that has begun plan as [`connect_one`] does, for work that writes groups over a connection of
/// the pool.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn plan_once(conn: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        r#"select set_config('plan_cache_mode', 'force_generic_plan', true) as plans,
                  set_config('enable_seqscan', 'off', true) as seqscan"#
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

async fn work_across(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select set_config('app.business', '*', false) as business")
        .fetch_one(conn)
        .await?;
    Ok(())
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    Ok(PgConnectOptions::from_str(url)?.application_name("owncircle"))
}

async fn prepare(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"select set_config('lock_timeout', '5s', false) as lock_timeout,
                  set_config('statement_timeout', '30s', false) as statement_timeout,
                  set_config('idle_in_transaction_session_timeout', '60s', false) as idle_timeout,
                  set_config('app.business', '', false) as business,
                  set_config('role', coalesce(
                      (select rolname::text from pg_roles
                       where rolname = $1::text and pg_has_role(session_user, oid, 'member')),
                      'none'), false) as role"#,
        APP_ROLE,
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}
