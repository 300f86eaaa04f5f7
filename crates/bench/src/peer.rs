//! The other side of the comparison: a copy of the staged database with two scripts for pgbench, one of our own
//! statements and one that calls a function which does the same work.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sqlx::Connection as _;
use uuid::Uuid;

use crate::cluster::{Cluster, NAME, PEER};
use crate::pgbench::Pgbench;
use crate::stage::Shop;
use crate::statements;

/// Tables and functions of the copy.
const SQL: &str = include_str!("../sql/peer.sql");

/// The scripts.
#[derive(Clone, Debug)]
pub(crate) struct Scripts {
    /// Our own statements, one transaction each.
    pub(crate) own: PathBuf,
    /// One call of one function.
    pub(crate) function: PathBuf,
}

/// Copies the database, to which nobody may be connected, and writes the scripts.
///
/// # Errors
/// If the database refuses, or our statements are not those that the script is made for.
pub(crate) async fn prepare(
    cluster: &Cluster,
    shops: &[Shop],
    members: &[Uuid],
    answer_bytes: i64,
) -> anyhow::Result<Scripts> {
    let copy = format!("create database {PEER} template {NAME}");
    cluster.execute("postgres", &copy).await?;
    let functions = SQL.replace("ANSWER_BYTES", &answer_bytes.to_string());
    cluster.execute(PEER, &functions).await?;
    let shops: Vec<Uuid> = shops.iter().map(|shop| shop.id.as_uuid()).collect();
    let mut conn = cluster.open(PEER).await?;
    let fill = "insert into bench_members select n, id from unnest($1::uuid[]) with ordinality as u (id, n)";
    sqlx::query(fill).bind(members).execute(&mut conn).await?;
    let fill = "insert into bench_businesses select n, id from unnest($1::uuid[]) with ordinality as u (id, n)";
    sqlx::query(fill).bind(&shops).execute(&mut conn).await?;
    let rename =
        "update members m set phone_hash = bench_phone(b.n) from bench_members b where b.id = m.id";
    sqlx::query(rename).execute(&mut conn).await?;
    conn.close().await?;
    // As fresh as it was before the hashes were changed.
    cluster.execute(PEER, "vacuum full members").await?;
    let own = cluster.folder().join("own_statements.sql");
    write(&own, &statements::script(Path::new(".sqlx"))?)?;
    let function = cluster.folder().join("one_function.sql");
    let call = format!("{}select bench_post(:b, :m, :total);\n", Pgbench::draws());
    write(&function, &call)?;
    Ok(Scripts { own, function })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
