//! Whatever somebody with all rights changes by hand, the audit names.

use services::context::Context;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::by_hand;
use super::clean::{assert_clean, report};
use super::workload::Scene;

/// A table, what is done to it, and the checks that must find it, all of them and no other.
pub struct Tampering(
    pub &'static str,
    pub &'static str,
    pub &'static [&'static str],
);

const TAMPERINGS: &[Tampering] = &[
    Tampering(
        "wallets",
        "update wallets set available = available + 1 where member_id = (select min(member_id::text)::uuid from wallets)",
        &["wallet_balance"],
    ),
    Tampering("wallets", "update wallets set debt = debt + 5", &["wallet_balance"]),
    Tampering("wallets", "update wallets set held = held + 5", &["wallet_balance", "wallet_held"]),
    Tampering(
        "wallets",
        "update wallets set next_change_at = next_change_at + interval '1 second'",
        &["wallet_next_change"],
    ),
    Tampering("wallets", "update wallets set next_change_at = null", &["wallet_next_change"]),
    Tampering("wallets", "update wallets set tier = 'platinum'", &["wallet_tier"]),
    Tampering(
        "wallets",
        "delete from wallets where member_id = (select member_id from journals order by id limit 1)",
        &["wallet_missing", "wallet_balance"],
    ),
    Tampering(
        "lots",
        "update lots set member_id = '00000000-0000-7000-8000-000000000000'
         where id = (select id from lots where open order by id limit 1)",
        &["journal_entry", "lot_balance", "lot_of_purchase"],
    ),
    Tampering(
        "ledger_entries",
        "update ledger_entries set amount = amount + 1 where account = 'business_honoured' and amount > 0",
        &["ledger_sum", "journal_sum", "purchase_points"],
    ),
    Tampering(
        "ledger_entries",
        "delete from ledger_entries where journal_id = (select id from journals where kind = 'activation' order by id limit 1)",
        &["journal_sum", "wallet_balance", "lot_balance"],
    ),
    Tampering(
        "ledger_entries",
        "update ledger_entries set lot_id = '00000000-0000-7000-8000-000000000000'
         where account = 'member_pending' and amount > 0",
        &["journal_entry", "journal_funder", "lot_balance"],
    ),
    Tampering(
        "ledger_entries",
        "update ledger_entries set account = 'programme_issued', business_id = null where account = 'business_issued'
         and amount < 0",
        &["journal_funder"],
    ),
    Tampering(
        "ledger_entries",
        "update ledger_entries set account = 'programme_issued', business_id = null where account = 'business_issued'
         and amount > 0",
        &["refund_funder"],
    ),
    Tampering(
        "ledger_entries",
        "update ledger_entries set account = 'programme_breakage', business_id = null
         where account = 'business_honoured'",
        &["journal_entry", "purchase_points", "refund_points"],
    ),
    Tampering(
        "ledger_entries",
        "update ledger_entries e set business_id = (select id from businesses b where b.id <> e.business_id limit 1)
         where account = 'business_honoured' and amount > 0",
        &["journal_entry"],
    ),
    Tampering(
        "journals",
        "delete from journals where id = (select id from journals where kind = 'debt_payment' order by id limit 1)",
        &["journal_sum", "lot_balance"],
    ),
    Tampering(
        "journals",
        "update journals set source_id = '00000000-0000-7000-8000-000000000000' where kind = 'redemption'",
        &["journal_source", "purchase_points"],
    ),
    Tampering("journals", "update journals set kind = 'redemption' where kind = 'expiry'",
        &["journal_entry", "journal_source", "lot_balance"]),
    Tampering("lots", "update lots set remaining = remaining - 1 where open", &["lot_balance"]),
    Tampering("lots", "update lots set amount = amount + 1", &["lot_balance", "lot_of_purchase"]),
    Tampering(
        "lots",
        "update lots set expired = expired + 1 where expired > 0 and expired < amount",
        &["lot_balance"],
    ),
    Tampering("lots", "update lots set pending = not pending where open", &["lot_balance"]),
    Tampering(
        "lots",
        "update lots set funder_id = null where funder_id is not null",
        &["journal_funder", "lot_of_purchase", "refund_funder"],
    ),
    Tampering(
        "lots",
        "delete from lots where id = (select lot_id from ledger_entries where amount < 0 and lot_id is not null
                                 order by journal_id, n limit 1)",
        &[
            "journal_entry",
            "journal_funder",
            "lot_balance",
            "lot_of_purchase",
            "refund_funder",
        ],
    ),
    Tampering("holds", "update holds set amount = amount + 1 where status = 'voided'", &["hold"]),
    Tampering(
        "holds",
        "update holds set captured = captured - 1 where purchase_id is not null",
        &["hold", "purchase_hold"],
    ),
    Tampering("holds", "update holds set status = 'active' where status = 'lapsed'", &["wallet_held", "wallet_next_change", "hold"]),
    Tampering(
        "purchases",
        "update purchases set total = total + 100, paid_by_money = paid_by_money + 100",
        &["purchase_sum", "member_day", "member_business"],
    ),
    Tampering(
        "purchases",
        "update purchases set points_earned = points_earned + 1",
        &["purchase_sum", "purchase_points", "member_day"],
    ),
    Tampering(
        "purchases",
        "update purchases set points_spent = points_spent - 1 where points_spent > 0 and hold_id is null",
        &["purchase_sum", "purchase_points"],
    ),
    Tampering(
        "purchases",
        "update purchases set receipt_number = receipt_number || 'x'",
        &["receipt"],
    ),
    Tampering(
        "purchases",
        "update purchases set occurred_at = occurred_at - interval '3 days'",
        &["member_day", "member_business"],
    ),
    Tampering("purchases", "update purchases set hold_id = null where hold_id is not null",
        &["purchase_points", "purchase_hold"]),
    Tampering(
        "purchases",
        "update purchases set explanation = jsonb_set(explanation, '{accruals,0,granted}', '1')
         where explanation -> 'accruals' <> '[]'",
        &["purchase_sum", "refund_of_sale"],
    ),
    Tampering(
        "purchases",
        "delete from purchases where id = (select origin_id from lots where open and origin = 'purchase'
                                      order by id desc limit 1)",
        &[
            "journal_source",
            "lot_of_purchase",
            "receipt",
            "member_day",
            "member_business",
        ],
    ),
    Tampering(
        "purchases",
        "update purchases set explanation = jsonb_set(explanation, '{lines,0,amount}', to_jsonb((explanation #>> '{lines,0,amount}')::bigint + 1))",
        &["purchase_sum", "refund_of_sale"],
    ),
    Tampering("receipts", "delete from receipts where kind = 'refund'", &["receipt"]),
    Tampering("receipts", "update receipts set receipt_number = receipt_number || 'x'", &["receipt"]),
    Tampering(
        "refunds",
        "update refunds set amount = amount + 1",
        &["refund_sum"],
    ),
    Tampering("refunds", "update refunds set money_returned = money_returned + 1", &["refund_sum", "member_day"]),
    Tampering("refunds", "update refunds set points_returned = points_returned + 1", &["refund_sum", "refund_points"]),
    Tampering("refunds", "update refunds set debt_added = debt_added + 1", &["refund_sum", "refund_points"]),
    Tampering(
        "refund_lines",
        "update refund_lines set amount = amount + 1000000",
        &["refund_sum", "refund_of_sale"],
    ),
    Tampering("member_days", "update member_days set net_spend = net_spend - 1", &["member_day", "member_count"]),
    Tampering("member_days", "delete from member_days", &["member_day", "member_count"]),
    Tampering("wallets", "update wallets set counted_points = counted_points - 1", &["member_count"]),
    Tampering("member_businesses", "update member_businesses set visits = visits + 1", &["member_business"]),
    Tampering("member_rule_usage", "update member_rule_usage set granted = granted + 1", &["rule_usage"]),
    Tampering("rule_budgets", "update rule_budgets set granted = granted + 1", &["rule_budget"]),
];

async fn run(conn: &mut PgConnection, statement: impl Into<String>) -> u64 {
    let statement = statement.into();
    let done = sqlx::query(AssertSqlSafe(statement.clone()))
        .execute(conn)
        .await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"))
        .rows_affected()
}

/// A connection that no trigger, no foreign key and no missing right holds back.
pub async fn all_powerful(url: &str) -> PgConnection {
    let mut conn = PgConnection::connect(url).await.unwrap();
    run(&mut conn, "set session_replication_role = replica").await;
    conn
}

#[test]
fn every_check_is_tried() {
    let tried: Vec<&str> = TAMPERINGS
        .iter()
        .chain(by_hand::TAMPERINGS)
        .flat_map(|tampering| tampering.2)
        .copied()
        .collect();
    for check in store::audit::CHECKS {
        assert!(
            tried.contains(&check.name),
            "nothing is done that {} finds",
            check.name
        );
    }
}

#[tokio::test]
async fn every_tampering_is_named() {
    let mut scene = Scene::begin().await;
    scene.first_days().await;
    scene.later_months().await;
    let ctx = scene.app.context.clone();
    assert_clean(&ctx, "before").await;
    let mut conn = all_powerful(&scene.app.database_url()).await;
    every_one_is_named(&mut conn, &ctx, TAMPERINGS).await;
}

/// Does one after the other, puts back what was, and compares what the audit finds.
pub async fn every_one_is_named(conn: &mut PgConnection, ctx: &Context, tamperings: &[Tampering]) {
    run(conn, "create schema saved").await;
    let mut wrong = Vec::new();
    for Tampering(table, statement, expected) in tamperings {
        run(
            conn,
            format!("create table if not exists saved.{table} as table public.{table}"),
        )
        .await;
        assert!(
            run(conn, *statement).await > 0,
            "{statement} changes nothing"
        );
        let report = report(ctx).await;
        let found: Vec<&str> = report.by_check.iter().map(|count| count.check).collect();
        if found != *expected {
            let named = &report.named;
            wrong.push(format!(
                "{statement}: {found:?}, not {expected:?}: {named:?}"
            ));
        }
        run(conn, format!("delete from public.{table}")).await;
        run(
            conn,
            format!("insert into public.{table} select * from saved.{table}"),
        )
        .await;
    }
    assert_clean(ctx, "with everything put back").await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn a_difference_says_where_and_by_how_much() {
    let mut scene = Scene::begin().await;
    scene.first_days().await;
    let mut conn = all_powerful(&scene.app.database_url()).await;
    let available: i64 = sqlx::query_scalar("select available from wallets where member_id = $1")
        .bind(scene.boris.as_uuid())
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let change = format!(
        "update wallets set available = available + 1 where member_id = '{}'",
        scene.boris
    );
    assert_eq!(run(&mut conn, change).await, 1);
    let report = report(&scene.app.context).await;
    let [difference] = report.named.as_slice() else {
        panic!("{:#?}", report.named);
    };
    assert_eq!(difference.check, "wallet_balance");
    assert_eq!(difference.subject, "member");
    assert_eq!(difference.subject_id, Some(scene.boris.as_uuid()));
    assert_eq!(difference.member_id, Some(scene.boris));
    assert_eq!(difference.field, "available");
    assert_eq!(difference.expected, Some(available.to_string()));
    assert_eq!(difference.found, Some((available + 1).to_string()));
}
