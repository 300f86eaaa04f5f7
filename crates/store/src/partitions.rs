//! The tables by month: purchases, journals, their entries and events are kept in partitions by the time in their
//! identifiers. The functions that change partitions stand in the migrations, with the rights of the owner.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// The tables by month that are kept for good.
pub const KEPT: [&str; 3] = ["purchases", "journals", "ledger_entries"];

/// Events, which are forgotten a month at a time.
pub const EVENTS: &str = "outbox_events";

/// Every table by month.
pub const ALL: [&str; 4] = [KEPT[0], KEPT[1], KEPT[2], EVENTS];

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The table that it belongs to.
    pub table: String,
    /// Its own name.
    pub name: String,
    /// Its first month; `None` for the one without beginning.
    pub from: Option<NaiveDate>,
    /// The month after its last; `None` for the one of the future.
    pub until: Option<NaiveDate>,
    /// About how many rows it holds, as the planner knows; `None` if that was never looked at. For the one of the
    /// future they are counted.
    pub rows: Option<i64>,
    /// What it takes on disk, indexes included.
    pub bytes: i64,
}

/// Every partition, by table and time.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<Partition>, StoreError> {
    let names = ALL.map(str::to_owned);
    let found = sqlx::query_as!(
        Partition,
        r#"select t.name as "table!", c.relname::text as "name!", month_of(b.lower_id) as "from",
                  month_of(b.upper_id) as until,
                  case when b.upper_id is null then future_rows(t.name)
                       when c.reltuples >= 0 then c.reltuples::bigint end as rows,
                  pg_total_relation_size(c.oid) as "bytes!"
           from unnest($1::text[]) with ordinality t (name, place)
           join pg_inherits i on i.inhparent = to_regclass(t.name)
           join pg_class c on c.oid = i.inhrelid
           cross join lateral partition_bounds(c.oid) b
           order by t.place, b.upper_id"#,
        &names[..]
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Makes the partitions of a table up to `ahead` months (0 to 24) after that of `today`, and says which are new.
///
/// # Errors
/// [`StoreError`] from the database; unavailable when others were at work on the table for half a second.
pub async fn make(
    conn: &mut PgConnection,
    table: &str,
    today: NaiveDate,
    ahead: i32,
) -> Result<Vec<String>, StoreError> {
    let made = sqlx::query_scalar!(
        r#"select name as "name!" from make_months($1, $2, $3) name"#,
        table,
        today,
        ahead
    )
    .fetch_all(conn)
    .await?;
    Ok(made)
}

/// Has the planner look at a table as a whole, for up to ten minutes.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn analyze(conn: &mut PgConnection, table: &str) -> Result<(), StoreError> {
    sqlx::query!(r#"select set_config('statement_timeout', '10min', true) as "timeout!""#)
        .fetch_one(&mut *conn)
        .await?;
    sqlx::query!("select analyze_months($1)", table)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes the partitions that end with the start of `month` or before out of a table, and says their names; their rows
/// stay in tables of these names. Steps out of the program's role for the rest of the transaction.
///
/// # Errors
/// [`StoreError`] from the database; unavailable when others were at work on the table for half a second.
pub async fn detach(
    conn: &mut PgConnection,
    table: &str,
    month: NaiveDate,
) -> Result<Vec<String>, StoreError> {
    sqlx::query!(r#"select set_config('role', 'none', true) as "role!""#)
        .fetch_one(&mut *conn)
        .await?;
    let detached = sqlx::query_scalar!(
        r#"select name as "name!" from detach_months($1, month_bound($2)) name"#,
        table,
        month
    )
    .fetch_all(conn)
    .await?;
    Ok(detached)
}

/// Drops the partitions of events whose identifiers are all smaller than `before`, and says their names.
///
/// # Errors
/// [`StoreError`] from the database; unavailable when others were at work on the table for half a second.
pub async fn drop_events(conn: &mut PgConnection, before: Uuid) -> Result<Vec<String>, StoreError> {
    let dropped = sqlx::query_scalar!(
        r#"select name as "name!" from drop_event_months($1) name"#,
        before
    )
    .fetch_all(conn)
    .await?;
    Ok(dropped)
}
