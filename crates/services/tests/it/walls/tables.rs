//! Which tables stand behind the wall, and that their indexes are still used there.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;

use super::{Town, WALLED};
use crate::kit::start;

/// Tables that name a business and have no wall of their own, with the reason.
const WITHOUT: &[(&str, &str)] = &[
    (
        "holds",
        "the member sees and loses the points that are held",
    ),
    ("journals", "the member's history at all businesses"),
    (
        "ledger_entries",
        "the coalition's books: every business's points in one sum",
    ),
    (
        "purchases",
        "the member's own list of purchases at all businesses",
    ),
    ("refunds", "shown with the purchase, to the member too"),
    (
        "outbox_events",
        "written by the engine, delivered by workers, read by no caller",
    ),
    (
        "audit_log",
        "read by operators alone; a business is a detail of an entry",
    ),
];

#[tokio::test]
async fn every_table_of_a_business_has_its_wall_or_a_reason() {
    let app = start().await;
    let found: Vec<(String, bool, bool, bool)> = sqlx::query_as(
        "select c.relname::text, c.relrowsecurity, c.relforcerowsecurity,
                exists (select from pg_attribute a
                        where a.attrelid = c.oid and a.attname = 'business_id' and not a.attisdropped)
         from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
             and not c.relispartition",
    )
    .fetch_all(app.context.pool())
    .await
    .unwrap();
    let walled: BTreeSet<&str> = WALLED.iter().map(|table| table.name).collect();
    let without: BTreeSet<&str> = WITHOUT.iter().map(|(table, _)| *table).collect();
    let mut named = BTreeSet::new();
    for (table, enabled, forced, of_business) in &found {
        let table = table.as_str();
        assert_eq!(
            (*enabled, *forced),
            (walled.contains(table), walled.contains(table)),
            "{table}: `select set_wall('{table}')` in the migration that makes it, and a line in WALLED; or one in WITHOUT"
        );
        if *of_business || walled.contains(table) {
            named.insert(table);
        }
    }
    let listed: BTreeSet<&str> = walled.union(&without).copied().collect();
    assert_eq!(named, listed);
}

#[tokio::test]
async fn a_wall_judges_what_is_read_and_what_is_written() {
    let app = start().await;
    let policies: Vec<(String, String)> = sqlx::query_as(
        "select tablename::text, string_agg(policyname || ' ' || cmd || ' ' || (with_check is not null), ', ' order by policyname)
         from pg_policies where schemaname = 'public' group by 1",
    )
    .fetch_all(app.context.pool())
    .await
    .unwrap();
    assert_eq!(policies.len(), WALLED.len());
    for (table, policies) in policies {
        let open = matches!(
            table.as_str(),
            "locations" | "earning_rules" | "earning_rule_versions"
        );
        let expected = if open {
            "of_business ALL true, readable SELECT false"
        } else {
            "of_business ALL true"
        };
        assert_eq!(policies, expected, "{table}");
    }
}

#[tokio::test]
async fn behind_the_wall_queries_use_their_indexes() {
    let town = Town::open().await;
    let ctx = town.ctx().of(town.luna);
    for table in WALLED {
        let mut conn = ctx.connection().await.unwrap();
        // There are two rows; a table that can't be asked by index is read whole even so.
        sqlx::raw_sql("set local enable_seqscan = off")
            .execute(&mut *conn)
            .await
            .unwrap();
        let query = table.main.replace("$1", &format!("'{}'", town.luna));
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("explain {query}")))
            .fetch_all(&mut *conn)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{}: {plan}", table.name);
        // The condition of the query is what the index is asked for, and the setting is read once; outlets are for all to
        // read, so there it is not asked for.
        let condition = plan.lines().find(|line| line.contains("Index Cond:"));
        let asked = condition.is_some_and(|line| line.contains(&town.luna.to_string()));
        assert!(asked, "{}: {plan}", table.name);
        let asks = table.name != "locations";
        assert_eq!(plan.contains("InitPlan"), asks, "{}: {plan}", table.name);
    }
}

#[tokio::test]
async fn only_workers_and_migrations_are_marked_for_their_session() {
    let town = Town::open().await;
    let setting = "select current_setting('app.business', true)";
    let of_pool: Option<String> = sqlx::query_scalar(setting)
        .fetch_one(town.ctx().pool())
        .await
        .unwrap();
    assert_eq!(of_pool.as_deref(), Some(""));
    let mut worker = store::pool::connect_one(town.ctx().pool()).await.unwrap();
    let of_worker: Option<String> = sqlx::query_scalar(setting)
        .fetch_one(&mut worker)
        .await
        .unwrap();
    assert_eq!(of_worker.as_deref(), Some("*"));
    let owner = store::pool::connect_as_owner(&town.app.database_url())
        .await
        .unwrap();
    let of_owner: Option<String> = sqlx::query_scalar(setting).fetch_one(&owner).await.unwrap();
    assert_eq!(of_owner.as_deref(), Some("*"));
}
