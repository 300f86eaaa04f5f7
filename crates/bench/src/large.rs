//! The database with a long past: a copy of the staged one, filled by sets as if eleven months of purchases had been
//! posted. The audit passes it like any other.

use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::cluster::{Cluster, LARGE, NAME};
use crate::peer::name_all;
use crate::stage::Shop;

/// The functions that fill it.
const SQL: &str = include_str!("../sql/large.sql");

/// How long the past is: every lot of it is still good, and all of it counts toward tiers.
const PAST: TimeDelta = TimeDelta::days(330);

/// Purchases that one statement lays in.
const SET: i64 = 50_000;

/// Statements at a time.
const SIDE_BY_SIDE: i64 = 2;

/// What is laid in, and for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    /// Purchases.
    pub(crate) purchases: i64,
    /// Members and businesses.
    pub(crate) members: i32,
    pub(crate) shops: i32,
    /// Up to when.
    pub(crate) ends: DateTime<Utc>,
}

/// Copies the staged database, to which nobody may be connected, and fills it.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn prepare(
    cluster: &Cluster,
    shops: &[Shop],
    members: &[Uuid],
    past: Past,
) -> anyhow::Result<()> {
    let started = Instant::now();
    cluster.copy(NAME, LARGE).await?;
    name_all(cluster, LARGE, shops, members).await?;
    cluster.execute(LARGE, SQL).await?;
    let first = (past.ends - PAST).date_naive();
    let months = format!("select bench_make_months(date_trunc('month', date '{first}')::date)");
    cluster.execute(LARGE, &months).await?;
    let mut workers = Vec::new();
    for worker in 0..SIDE_BY_SIDE {
        let conn = cluster.open(LARGE).await?;
        workers.push(tokio::spawn(fill(conn, past, worker)));
    }
    for worker in workers {
        worker.await??;
    }
    let finish = "set work_mem = '512MB'; select bench_finish()";
    cluster.execute(LARGE, finish).await?;
    cluster.execute(LARGE, "vacuum (analyze)").await?;
    crate::tell(&format!(
        "{} purchases of the past are laid in after {} s",
        past.purchases,
        started.elapsed().as_secs()
    ));
    Ok(())
}

async fn fill(mut conn: PgConnection, past: Past, worker: i64) -> anyhow::Result<()> {
    // What the sets are of is known to be there; the audit looks at it all the same.
    let quick = "set session_replication_role = replica; set synchronous_commit = off";
    sqlx::raw_sql(quick).execute(&mut conn).await?;
    let mut set = worker;
    while set * SET < past.purchases {
        let until = past.purchases.min((set + 1) * SET);
        sqlx::query("select bench_fill($1, $2, $3, $4, $5, $6, $7)")
            .bind(set * SET)
            .bind(until)
            .bind(past.purchases)
            .bind(past.ends - PAST)
            .bind(past.ends)
            .bind(past.members)
            .bind(past.shops)
            .execute(&mut conn)
            .await
            .with_context(|| format!("purchases {} to {until}", set * SET))?;
        set += SIDE_BY_SIDE;
    }
    Ok(conn.close().await?)
}
