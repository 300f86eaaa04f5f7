//! Random orders from many callers at once leave the same state as the same purchases posted one by one in the order
//! in which the engine decided them. That order is the order of identifiers: a member's orders are decided under the
//! lock of the wallet, and what loses a race is decided anew.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::loyalty::lot::Funder;
use domain::loyalty::purchase::Spend;
use domain::loyalty::rule::{Caps, Conditions, MemberCap, Period, Reward, RuleDefinition};
use domain::money::Points;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use services::idempotency::Render;
use services::loyalty::earning_rules::{NewRule, add};
use services::loyalty::engine::{EngineConfig, Lane, Order};
use services::loyalty::posting::{PostOutcome, PurchaseRow, Stage, post_group};
use services::transaction;
use uuid::Uuid;

use super::town::{Town, admin, business, key, points, request, shards, told};

/// One purchase of the play.
#[derive(Clone, Debug)]
struct Step {
    caller: usize,
    at_shop: bool,
    person: u32,
    kopecks: i64,
    spend: Option<i64>,
    receipt: u32,
    with_key: bool,
    bulk: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let what = (
        0_u32..5,
        1_i64..300_000,
        proptest::option::weighted(0.3, 1_i64..3_000),
    );
    let how = (
        0_usize..8,
        any::<bool>(),
        0_u32..120,
        any::<bool>(),
        any::<bool>(),
    );
    (what, how).prop_map(
        |((person, kopecks, spend), (caller, at_shop, receipt, with_key, bulk))| Step {
            caller,
            at_shop,
            person,
            kopecks,
            spend,
            receipt,
            with_key,
            bulk,
        },
    )
}

impl Step {
    fn order(&self, town: &Town) -> Order {
        let till = if self.at_shop { &town.shop } else { &town.cafe };
        let receipt = format!("R-{}", self.receipt);
        let mut request = request(&receipt, self.person, self.kopecks);
        if let Some(spend) = self.spend {
            request.spend = Spend::Points(Points::from_hundredths(spend));
        }
        let key = self.with_key.then(|| {
            // Sent twice with another bill, it is refused.
            let mut key = key(&receipt);
            key.body_sha256 = [u8::try_from(self.kopecks % 251).unwrap(); 32];
            (key, told as Render<PurchaseRow>)
        });
        request.into_item(till, key).unwrap().into()
    }

    fn lane(&self) -> Lane {
        if self.bulk { Lane::Bulk } else { Lane::Till }
    }
}

/// Joined members, and rules with caps that the members reach.
async fn prepared() -> Town {
    let town = Town::open().await;
    let cafe = business(&town.cafe);
    let rule = |reward, caps| RuleDefinition {
        name_ru: "Акция".to_owned(),
        name_en: "Promotion".to_owned(),
        active: true,
        reward,
        conditions: Conditions::default(),
        caps,
        activation_delay_hours: None,
        validity: None,
    };
    let capped = Caps {
        per_member: Some(MemberCap {
            points: points(60),
            period: Period::Month,
        }),
        budget: Some(points(150)),
        ..Caps::default()
    };
    let fixed = Reward::Fixed { points: points(7) };
    for (business, funder, definition) in [
        (Some(cafe), Funder::Business(cafe), rule(fixed, capped)),
        (None, Funder::Programme, rule(fixed, Caps::default())),
    ] {
        let new = NewRule {
            business,
            funder,
            effective_from: None,
            effective_until: None,
            definition,
        };
        add(&town.app.context, &admin(), new).await.unwrap();
    }
    for person in 0..4 {
        let phone = format!("+7916{person:07}");
        let caller = crate::kit::caller(&town.app, &crate::kit::phone(&phone)).await;
        caller.into_member().unwrap();
    }
    town
}

/// Posts through the engine, each caller's steps one after the other; returns what was posted, in order of decision.
async fn through_the_engine(town: &Town, steps: &[Step]) -> Vec<Step> {
    let config = EngineConfig {
        group: 8,
        bulk: 4,
        ..shards(2)
    };
    let ctx = town.node(config).await;
    let callers = (0..8).map(|caller| {
        let own = steps.iter().filter(move |step| step.caller == caller);
        let own: Vec<(Step, Order)> = own.map(|step| (step.clone(), step.order(town))).collect();
        let ctx = ctx.clone();
        tokio::spawn(async move {
            let mut posted = Vec::new();
            for (step, order) in own {
                let outcome = ctx.engine().submit_one(&ctx, step.lane(), order).await;
                if let Ok(PostOutcome::Posted(purchase, _)) = outcome.unwrap() {
                    posted.push((purchase.purchase.id, step));
                }
            }
            posted
        })
    });
    let ended = join_all(callers).await;
    let mut posted: Vec<(Uuid, Step)> = ended.into_iter().flat_map(Result::unwrap).collect();
    posted.sort_unstable_by_key(|(id, _)| *id);
    ctx.close().await;
    posted.into_iter().map(|(_, step)| step).collect()
}

async fn one_by_one(town: &Town, steps: &[Step]) {
    // As the engine's own connections do.
    let ctx = &town.app.context.across();
    for step in steps {
        let orders = vec![step.order(town)];
        let stage = Stage::of(ctx, &orders).await.unwrap();
        let input = (ctx.clone(), stage, orders);
        let posted = transaction::run(ctx, input, |conn, (ctx, stage, orders)| {
            Box::pin(post_group(conn, ctx, stage, orders))
        })
        .await
        .unwrap();
        assert!(
            matches!(posted[..], [Ok(PostOutcome::Posted(..))]),
            "{step:?}: {posted:?}"
        );
    }
}

/// All that purchases change, by names that both towns share.
pub(super) async fn state(town: &Town) -> Vec<String> {
    const MEMBERS: &str = "encode(m.phone_hash, 'hex')";
    let queries = [
        format!(
            "select {MEMBERS}, w.available, w.pending, w.held, w.debt, w.tier
             from wallets w join members m on m.id = w.member_id"
        ),
        format!(
            "select {MEMBERS}, coalesce(b.slug, 'programme'), sum(l.amount), sum(l.remaining), count(*)
             from lots l join members m on m.id = l.member_id left join businesses b on b.id = l.funder_id group by 1, 2"
        ),
        format!(
            "select {MEMBERS}, b.slug, p.receipt_number, p.total, p.paid_by_points, p.points_spent, p.points_earned,
                    p.tier, p.tier_after, p.available_after, p.debt_after
             from purchases p join members m on m.id = p.member_id join businesses b on b.id = p.business_id"
        ),
        format!(
            "select e.account, coalesce({MEMBERS}, ''), coalesce(b.slug, ''), sum(e.amount), count(*)
             from ledger_entries e left join members m on m.id = e.member_id
             left join businesses b on b.id = e.business_id group by 1, 2, 3"
        ),
        format!(
            "select {MEMBERS}, d.day, d.net_spend, d.points_earned from member_days d join members m on m.id = d.member_id"
        ),
        format!(
            "select {MEMBERS}, b.slug, v.visits from member_businesses v
             join members m on m.id = v.member_id join businesses b on b.id = v.business_id"
        ),
        format!(
            "select {MEMBERS}, u.period_start, u.granted from member_rule_usage u join members m on m.id = u.member_id"
        ),
        "select granted, 'budget' from rule_budgets".to_owned(),
        "select kind, count(*) from outbox_events group by 1".to_owned(),
        "select count(*), 'answers' from kept_answers".to_owned(),
        "select count(*), 'receipts' from receipts".to_owned(),
    ];
    let mut conn = town.owner().await;
    let mut state = Vec::new();
    for query in queries {
        let query = format!("select t::text from ({query}) t order by 1");
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        state.extend(rows);
    }
    state
}

/// Says how many purchases paid with points, and how many were refused.
async fn assert_same(steps: &[Step]) -> (usize, usize) {
    let together = prepared().await;
    let posted = through_the_engine(&together, steps).await;
    together.assert_clean(posted.len()).await;
    let apart = prepared().await;
    one_by_one(&apart, &posted).await;
    apart.assert_clean(posted.len()).await;
    pretty_assert(&state(&together).await, &state(&apart).await);
    let paid = posted.iter().filter(|step| step.spend.is_some()).count();
    (paid, steps.len() - posted.len())
}

#[track_caller]
pub(super) fn pretty_assert(together: &[String], apart: &[String]) {
    let only = |own: &[String], other: &[String]| -> Vec<String> {
        own.iter()
            .filter(|row| !other.contains(row))
            .cloned()
            .collect()
    };
    let differing = (only(together, apart), only(apart, together));
    assert_eq!(
        differing,
        (vec![], vec![]),
        "through the engine, one by one"
    );
    assert_eq!(together.len(), apart.len());
}

#[test]
fn many_at_once_leave_the_state_of_one_by_one() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 4,
        max_shrink_iters: 20,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = proptest::collection::vec(step(), 100..250);
    let (paid, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    TestRunner::new(config)
        .run(&steps, |steps| {
            let seen = runtime.block_on(assert_same(&steps));
            paid.fetch_add(seen.0, Ordering::Relaxed);
            refused.fetch_add(seen.1, Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
    // The play had something to show.
    assert!(paid.into_inner() > 0 && refused.into_inner() > 0);
}
