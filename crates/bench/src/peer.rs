//! The other side of the comparison: a copy of the staged database with scripts for pgbench. One calls a function that
//! does the same work, one sends our own statements, one posts sets of a thousand.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use sqlx::Connection as _;
use uuid::Uuid;

use crate::cluster::{Cluster, NAME, PEER};
use crate::pgbench::{Pgbench, Script};
use crate::population::Population;
use crate::stage::Shop;
use crate::statements;

/// Numbers for members and businesses, and what purchases are made of.
const NAMES: &str = include_str!("../sql/names.sql");

/// The functions of the copy.
const FUNCTIONS: &str = include_str!("../sql/peer.sql");

/// Tables in which the service writes by itself meanwhile.
const BESIDE: [&str; 2] = ["audit_chain", "audit_unsealed"];

/// Tables in which the first purchase of a day or at a business adds a row, and a new tier adds one.
const NOT_BY_PURCHASE: [&str; 3] = ["member_days", "member_businesses", "outbox_events"];

/// How many rows each table has.
pub(crate) type Rows = BTreeMap<String, i64>;

/// The scripts.
#[derive(Clone, Debug)]
pub(crate) struct Scripts {
    /// One call of one function.
    pub(crate) function: Script,
    /// Our own statements, one transaction each.
    pub(crate) statements: Script,
    /// Sets of a thousand, for two clients.
    pub(crate) set_based: Script,
}

/// Copies the database, to which nobody may be connected, and writes the scripts.
///
/// # Errors
/// If the database refuses, or our statements are not those that the script is made for.
pub(crate) async fn prepare(
    cluster: &Cluster,
    shops: &[Shop],
    members: &[Uuid],
    population: &Population,
) -> anyhow::Result<Scripts> {
    cluster.copy(NAME, PEER).await?;
    name_all(cluster, PEER, shops, members).await?;
    cluster.execute(PEER, FUNCTIONS).await?;
    let rename =
        "update members m set phone_hash = bench_phone(b.n) from bench_members b where b.id = m.id";
    cluster.execute(PEER, rename).await?;
    // As fresh as it was before the hashes were changed.
    cluster.execute(PEER, "vacuum full members").await?;
    let variables = Pgbench::variables(population);
    let script = |name: &str, text: &str, rows| -> anyhow::Result<Script> {
        let path = cluster.folder().join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(Script {
            path,
            database: PEER,
            variables: variables.clone(),
            rows,
        })
    };
    let call = format!("{}select bench_post(:b, :m, :total);\n", Pgbench::draws());
    let set = "\\set members :blocks * :per_block\n\
               select bench_post_set(1000, :members, :businesses, :client_id, 2);\n";
    Ok(Scripts {
        function: script("one_function.sql", &call, 1)?,
        statements: script(
            "own_statements.sql",
            &statements::script(Path::new(".sqlx"))?,
            1,
        )?,
        set_based: script("sets.sql", set, 1_000)?,
    })
}

/// Gives members and businesses of a copy their numbers, from 1.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn name_all(
    cluster: &Cluster,
    database: &str,
    shops: &[Shop],
    members: &[Uuid],
) -> anyhow::Result<()> {
    cluster.execute(database, NAMES).await?;
    let shops: Vec<Uuid> = shops.iter().map(|shop| shop.id.as_uuid()).collect();
    let mut conn = cluster.open(database).await?;
    let fill = "insert into bench_members select n, id from unnest($1::uuid[]) with ordinality as u (id, n)";
    sqlx::query(fill).bind(members).execute(&mut conn).await?;
    let fill = "insert into bench_businesses select n, id from unnest($1::uuid[]) with ordinality as u (id, n)";
    sqlx::query(fill).bind(&shops).execute(&mut conn).await?;
    conn.close().await?;
    cluster.execute(database, "analyze").await
}

/// Makes as many purchases with the function as the program has made, and compares which tables grew.
///
/// # Errors
/// If the function does not write the rows that the program writes: then `peer.sql` is to be changed.
pub(crate) async fn check(cluster: &Cluster, ours: &Rows, count: i64) -> anyhow::Result<()> {
    let before = rows(cluster, PEER).await?;
    let post = format!(
        "select count(bench_post(1 + g % (select count(*)::integer from bench_businesses), \
         1 + g * 7 % (select count(*)::integer from bench_members), 200000)) \
         from generate_series(1, {count}::integer) g"
    );
    cluster.number(PEER, &post).await?;
    let theirs = grown(&before, &rows(cluster, PEER).await?);
    let tables = ours.keys().chain(theirs.keys());
    for table in tables.filter(|table| !BESIDE.contains(&table.as_str())) {
        let (our, their) = (ours.get(table), theirs.get(table));
        let alike = if NOT_BY_PURCHASE.contains(&table.as_str()) {
            our.is_some() == their.is_some()
        } else {
            our == their
        };
        ensure!(
            alike,
            "{table}: {count} purchases of the program add {our:?} rows, those of bench/sql/peer.sql {their:?}"
        );
    }
    Ok(())
}

/// How many rows each table has that the program keeps its own things in.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn rows(cluster: &Cluster, database: &str) -> anyhow::Result<Rows> {
    const TABLES: &str = "select relname::text from pg_class \
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition \
        and not starts_with(relname::text, 'bench_')";
    let mut conn = cluster.open(database).await?;
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut conn).await?;
    conn.close().await?;
    let mut rows = Rows::new();
    for table in tables {
        let count = format!("select count(*) from {table}");
        let count = cluster.number(database, &count).await?;
        rows.insert(table, count);
    }
    Ok(rows)
}

/// The tables that grew, and by how much.
pub(crate) fn grown(before: &Rows, after: &Rows) -> Rows {
    let grown = after.iter().filter_map(|(table, count)| {
        let more = count - before.get(table).copied().unwrap_or(0);
        (more != 0).then(|| (table.clone(), more))
    });
    grown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_grew_is_told() {
        let rows = |all: &[(&str, i64)]| -> Rows {
            let owned = all
                .iter()
                .map(|(table, count)| ((*table).to_owned(), *count));
            owned.collect()
        };
        let grown = grown(
            &rows(&[("a", 1), ("b", 2)]),
            &rows(&[("a", 1), ("b", 5), ("c", 1)]),
        );
        assert_eq!(grown, rows(&[("b", 3), ("c", 1)]));
    }
}
