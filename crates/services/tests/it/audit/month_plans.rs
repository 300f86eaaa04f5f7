//! With two years of months, a page of a member's history reads the newest few, and what is asked for by identifier
//! reads one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, Months, NaiveDate};
use domain::loyalty::purchase::Spend;
use serde_json::Value;
use services::housekeeping::maintain_partitions::{list, make};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::purchases::PurchaseFilter;

use super::months::{future, noon};
use super::workload::Scene;

/// Copies the only purchase and a journal with its entries: four hundred a month, eight a month for each of 50 members.
const FILL: &str = "
    create function pg_temp.id(month date, n integer) returns uuid language sql return
        (substr(month_bound(month)::text, 1, 24) || lpad(to_hex(n), 12, '0'))::uuid;
    create function pg_temp.member(n integer) returns uuid language sql return lpad(to_hex(n % 50), 32, '0')::uuid;
    create temporary table new as
        select m::date as month, n from generate_series($1::date, $1::date + interval '23 months', '1 month') m,
            generate_series(1, 400) n;
    insert into purchases select (jsonb_populate_record(p, jsonb_build_object(
        'id', pg_temp.id(month, n), 'member_id', pg_temp.member(n), 'occurred_at', month + 1))).*
        from (select p from purchases p limit 1) p, new;
    insert into ledger_entries select (jsonb_populate_record(e, jsonb_build_object(
        'journal_id', pg_temp.id(month, n)))).*
        from (select e from ledger_entries e where journal_id = (select min(id::text)::uuid from journals)) e, new;
    insert into journals select (jsonb_populate_record(j, jsonb_build_object(
        'id', pg_temp.id(month, n), 'member_id', pg_temp.member(n)))).*
        from (select j from journals j order by id limit 1) j, new;
    analyze purchases; analyze journals; analyze ledger_entries;";

/// The partitions that a query reads, and the nodes of its plan.
struct Read {
    partitions: BTreeSet<String>,
    nodes: BTreeSet<String>,
}

fn collect(node: &Value, read: &mut Read) {
    if node["Actual Loops"].as_f64() == Some(0.0) {
        return;
    }
    let text = |key: &str| node[key].as_str().map(str::to_owned);
    read.nodes.extend(text("Node Type"));
    read.partitions.extend(text("Relation Name"));
    for child in node["Plans"].as_array().into_iter().flatten() {
        collect(child, read);
    }
}

async fn explain(conn: &mut PgConnection, mode: &str, query: &str, values: &str) -> Read {
    let prepared = format!("set plan_cache_mode = {mode}; prepare asked as {query}");
    sqlx::raw_sql(AssertSqlSafe(prepared))
        .execute(&mut *conn)
        .await
        .unwrap();
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(format!(
        "explain (analyze, format json) execute asked ({values})"
    )))
    .persistent(false)
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    sqlx::raw_sql("deallocate asked")
        .execute(conn)
        .await
        .unwrap();
    let mut read = Read {
        partitions: BTreeSet::new(),
        nodes: BTreeSet::new(),
    };
    collect(&plan[0]["Plan"], &mut read);
    read
}

/// Makes and fills the months; says the first of them.
async fn two_years(scene: &mut Scene) -> (NaiveDate, PgConnection) {
    let ctx = scene.app.context.clone();
    let first = future(&ctx).await;
    let (cafe, anna) = (scene.cafe.clone(), scene.anna);
    scene
        .buy(&cafe, anna, &[("general", 10_000)], Spend::Nothing)
        .await;
    ctx.clock().set(noon(first));
    assert_eq!(make(&ctx, 23).await.unwrap().len(), 4 * 24);
    let mut owner = PgConnection::connect(&scene.app.database_url())
        .await
        .unwrap();
    let fill = FILL.replace("$1", &format!("'{first}'"));
    sqlx::raw_sql(AssertSqlSafe(fill))
        .execute(&mut owner)
        .await
        .unwrap();
    (first, owner)
}

/// The partitions that this connection has scanned since it was asked last, when `seen` was told.
async fn scanned(conn: &mut PgConnection, seen: &mut BTreeMap<String, i64>) -> BTreeSet<String> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select relname::text, seq_scan + coalesce(idx_scan, 0) from pg_stat_xact_user_tables
         where relname ~ '^(purchases|journals|ledger_entries)_'",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    let before = std::mem::replace(seen, rows.into_iter().collect());
    seen.iter()
        .filter(|(name, scans)| before.get(*name).unwrap_or(&0) < *scans)
        .map(|(name, _)| name.clone())
        .collect()
}

/// The queries of the program themselves, as they are, by what PostgreSQL counts of them.
#[tokio::test]
async fn the_programs_own_queries_read_few_months() {
    let mut scene = Scene::begin().await;
    let (first, mut conn) = two_years(&mut scene).await;
    let member = uuid::Uuid::from_u128(7);
    let middle: uuid::Uuid = sqlx::query_scalar("select month_bound($1)")
        .bind(first + Months::new(12))
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let (conn, cafe) = (&mut conn, scene.cafe.business(None).unwrap());
    sqlx::raw_sql("set plan_cache_mode = force_generic_plan; begin")
        .execute(&mut *conn)
        .await
        .unwrap();
    let (mut seen, mut planned) = (BTreeMap::new(), false);
    for before in [None, None, Some(middle)] {
        let filter = PurchaseFilter {
            before,
            from: before.is_none().then(|| noon(first + Months::new(22))),
            ..PurchaseFilter::default()
        };
        let page = store::journals::page_of_member(conn, member, before, 20).await;
        assert_eq!(page.unwrap().len(), 20);
        let history = scanned(conn, &mut seen).await;
        let page = store::purchases::page_of_business(conn, cafe, &filter, 20).await;
        assert_eq!(page.unwrap().len(), 20);
        let of_business = scanned(conn, &mut seen).await;
        // Planning looks at the ends of all months; the plan is kept, and what follows is what carrying it out reads.
        if !std::mem::replace(&mut planned, true) {
            continue;
        }
        // Twenty movements are in three months; the youngest month and the future may be looked into in vain.
        for table in ["journals_", "ledger_entries_"] {
            let read = history.iter().filter(|name| name.starts_with(table));
            assert!((3..=5).contains(&read.count()), "{before:?}: {history:?}");
        }
        let read = of_business.len();
        assert!((1..=3).contains(&read), "{before:?}: {of_business:?}");
    }
}

#[tokio::test]
async fn few_of_many_months_are_read() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    let (first, mut owner) = two_years(&mut scene).await;
    let member = format!("'{:032x}'", 7);
    let middle = first + Months::new(12);
    let middle_name = format!("{}_{:02}", middle.year(), middle.month());
    let id: uuid::Uuid = sqlx::query_scalar("select month_bound($1)")
        .bind(middle)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    let newest = "'ffffffff-ffff-ffff-ffff-ffffffffffff'";
    let known = format!("'{}{:012x}'", &id.to_string()[..24], 7);
    for mode in ["force_custom_plan", "force_generic_plan"] {
        for table in ["purchases", "journals"] {
            let page = format!(
                "select * from {table} where member_id = $1::uuid and id < $2::uuid order by id desc limit $3::bigint"
            );
            for before in [newest, &known] {
                let values = format!("{member}, {before}, 20");
                let read = explain(&mut owner, mode, &page, &values).await;
                assert!(
                    read.nodes.contains("Append"),
                    "{mode} {page}: {:?}",
                    read.nodes
                );
                assert!(
                    !read.nodes.contains("Sort"),
                    "{mode} {page}: {:?}",
                    read.nodes
                );
                // The last month may be too young to hold rows, and the future is looked into: it is empty.
                assert!(
                    read.partitions.len() <= 5,
                    "{mode} {page} {values}: {:?}",
                    read.partitions
                );
            }
        }
        for (table, key) in [
            ("purchases", "id"),
            ("journals", "id"),
            ("ledger_entries", "journal_id"),
        ] {
            let query = format!("select * from {table} where {key} = $1::uuid");
            let read = explain(&mut owner, mode, &query, &known).await;
            let expected = BTreeSet::from([format!("{table}_{middle_name}")]);
            assert_eq!(read.partitions, expected, "{mode} {query}");
            assert!(
                !read.nodes.contains("Seq Scan"),
                "{mode} {query}: {:?}",
                read.nodes
            );
        }
    }
    assert_eq!(list(&ctx).await.unwrap().len(), 4 * (24 + 2));
}
