//! Purchases, refunds, holds and their ends in one group: each sees what those before it did, and all of them leave the
//! state of one by one.

mod play;

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::loyalty::refund::RefundRequest;
use domain::money::Money;
use proptest::test_runner::{Config, TestRunner};
use services::context::Context;
use services::loyalty::engine::Lane;
use services::loyalty::posting::{HoldEnd, PostOutcome, PostRefusal, Refunded};
use test_kit::Wire;

use self::play::{Outcome, Paying, Play, SALES, Sent, Step, held, shown, step};
use super::one_by_one::pretty_assert;
use super::town::{one_shard, points};

#[track_caller]
fn refunded(outcome: &Outcome) -> &Refunded {
    match outcome {
        Ok(PostOutcome::Refunded(refunded, _)) => refunded,
        other => panic!("no refund: {other:?}"),
    }
}

/// Says how often each kind of outcome came about.
async fn assert_same(steps: &[Sent], group: usize) -> BTreeMap<&'static str, usize> {
    let together = Play::open().await;
    let mut in_groups = Vec::new();
    for group in steps.chunks(group) {
        in_groups.extend(together.group(group).await);
    }
    let apart = Play::open().await;
    let mut kinds = BTreeMap::new();
    let mut posted = SALES;
    for ((index, sent), in_group) in steps.iter().enumerate().zip(&in_groups) {
        let alone = apart.alone(sent).await;
        assert_eq!(shown(in_group), shown(&alone), "{index}: {sent:?}");
        posted += usize::from(matches!(alone, Ok(PostOutcome::Posted(..))));
        let kind = match &alone {
            Ok(PostOutcome::Posted(..)) => "posted",
            Ok(PostOutcome::Refunded(..)) => "refunded",
            Ok(PostOutcome::Held(..)) => "held",
            Ok(PostOutcome::Replayed(_)) => "replayed",
            Err(_) => "refused",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    together.town.assert_clean(posted).await;
    apart.town.assert_clean(posted).await;
    pretty_assert(&together.state().await, &apart.state().await);
    kinds
}

#[test]
fn a_mixed_group_leaves_the_state_of_one_by_one() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 6,
        max_shrink_iters: 30,
        failure_persistence: None,
        ..Config::default()
    };
    let kinds = RefCell::new(BTreeMap::<&str, usize>::new());
    let play = (proptest::collection::vec(step(), 40..90), 10_usize..90);
    TestRunner::new(config)
        .run(&play, |(steps, group)| {
            for (kind, count) in runtime.block_on(assert_same(&steps, group)) {
                *kinds.borrow_mut().entry(kind).or_default() += count;
            }
            Ok(())
        })
        .unwrap();
    // The play had something to show of each kind.
    assert_eq!(kinds.into_inner().len(), 5);
}

/// Amounts to refund of the first sale, which cost 400 roubles.
fn back(request: RefundRequest) -> Sent {
    let step = Step::Refund {
        sale: 0,
        request,
        is_void: false,
        receipt: None,
    };
    (step, None)
}

#[tokio::test]
async fn refunds_of_a_group_see_each_other() {
    let play = Play::open().await;
    let part = RefundRequest::Amount(Money::from_hundredths(30_000));
    let outcomes = play
        .group(&[
            back(part.clone()),
            back(part),
            back(RefundRequest::Everything),
            back(RefundRequest::Everything),
        ])
        .await;
    assert_eq!(refunded(&outcomes[0]).refund.amount, 30_000);
    assert!(!refunded(&outcomes[0]).complete);
    assert!(matches!(outcomes[1], Err(PostRefusal::Refund(_))));
    assert_eq!(refunded(&outcomes[2]).refund.amount, 10_000);
    assert!(refunded(&outcomes[2]).complete);
    assert!(matches!(outcomes[3], Err(PostRefusal::Refund(_))));
    play.town.assert_clean(SALES).await;
    let rows = play.town.number("select count(*) from refunds").await;
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn a_group_of_refunds_alone_is_written() {
    let play = Play::open().await;
    let outcomes = play.group(&[back(RefundRequest::Everything)]).await;
    assert!(refunded(&outcomes[0]).complete);
    play.town.assert_clean(SALES).await;
    let rows = play.town.number("select count(*) from refunds").await;
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn a_reference_is_used_once_in_a_group() {
    let play = Play::open().await;
    let hold = |person| {
        let step = Step::MakeHold {
            person,
            points: 100,
            reference: 7,
        };
        (step, None)
    };
    let outcomes = play.group(&[hold(0), hold(1)]).await;
    let first = held(&outcomes[0]).hold.id;
    let Err(PostRefusal::ReferenceUsed { hold }) = outcomes[1] else {
        panic!("{:?}", outcomes[1]);
    };
    assert_eq!(hold, first);
    play.town.assert_clean(SALES).await;
}

#[tokio::test]
async fn a_purchase_joins_the_hold_that_its_group_captured() {
    let play = Play::open().await;
    let end = |end| (Step::EndHold { hold: 0, end }, None);
    let buy = Step::Buy {
        person: 0,
        kopecks: 50_000,
        spend: Paying::Hold(0, None),
        receipt: 7,
    };
    let capture = HoldEnd::Capture(Some(points(2)));
    let outcomes = play
        .group(&[end(capture), (buy, None), end(HoldEnd::Void)])
        .await;
    assert_eq!(held(&outcomes[0]).hold.captured, points(2));
    let Ok(PostOutcome::Posted(posted, _)) = &outcomes[1] else {
        panic!("{:?}", outcomes[1]);
    };
    assert_eq!(posted.purchase.points_spent, 200);
    assert_eq!(
        posted.purchase.hold_id,
        Some(held(&outcomes[0]).hold.id.as_uuid())
    );
    // Points that a purchase has are given back by its refund.
    assert!(matches!(outcomes[2], Err(PostRefusal::Purchase(_))));
    play.town.assert_clean(SALES + 1).await;
}

#[tokio::test]
async fn a_purchase_gets_what_a_refund_before_it_gave_back_to_the_budget() {
    let play = Play::open().await;
    let buy = |person, receipt| {
        let step = Step::Buy {
            person,
            kopecks: 100,
            spend: Paying::Nothing,
            receipt,
        };
        (step, None)
    };
    // Eight sales at seven points leave 24 of 80: three more, then three points are left.
    let filling: Vec<Sent> = (0..3).map(|n| buy(10 + n, n)).collect();
    play.group(&filling).await;
    let outcomes = play
        .group(&[buy(20, 20), back(RefundRequest::Everything), buy(21, 21)])
        .await;
    let earned = |outcome: &Outcome| match outcome {
        Ok(PostOutcome::Posted(posted, _)) => posted.purchase.points_earned,
        other => panic!("not posted: {other:?}"),
    };
    assert_eq!(earned(&outcomes[2]) - earned(&outcomes[0]), 400);
    let granted = play.town.number("select max(granted) from rule_budgets");
    assert_eq!(granted.await, 8_000);
    play.town.assert_clean(SALES + 5).await;
}

/// The round trips of a group, from the first to the one that commits.
async fn trips(play: &Play, wire: &Wire, ctx: &Context, group: &[Sent]) -> Vec<String> {
    let orders = group.iter().map(|sent| play.order(sent)).collect();
    let _before = wire.take();
    // What is queued before the task of the only shard runs is one group.
    let outcomes = ctx.engine().submit_in_order(ctx, Lane::Till, orders).await;
    for outcome in outcomes.unwrap() {
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    wire.take()
}

fn buy(receipt: u8) -> Sent {
    let step = Step::Buy {
        person: 0,
        kopecks: 10_000,
        spend: Paying::Nothing,
        receipt: receipt.into(),
    };
    (step, Some((receipt, true)))
}

fn whole(sale: usize, receipt: u8) -> Sent {
    let step = Step::Refund {
        sale,
        request: RefundRequest::Everything,
        is_void: false,
        receipt: Some(receipt.into()),
    };
    (step, Some((receipt, true)))
}

fn hold(reference: u8) -> Sent {
    let step = Step::MakeHold {
        person: 0,
        points: 10,
        reference: reference.into(),
    };
    (step, Some((reference, true)))
}

fn end(hold: usize, end: HoldEnd, key: u8) -> Sent {
    (Step::EndHold { hold, end }, Some((key, true)))
}

const CAPTURE: HoldEnd = HoldEnd::Capture(None);

/// Posts each kind alone, once to prepare its statements and once to be counted, then all kinds together.
async fn assert_trips(play: &Play, purchase: usize, mixed: usize) {
    let wire = Wire::open(&play.town.app.database_url()).await;
    let ctx = play.town.node_at(wire.url(), one_shard()).await;
    let kinds = [
        ("purchase", purchase, buy(1), buy(2)),
        ("refund", 8, whole(0, 1), whole(1, 2)),
        ("hold", 8, hold(1), hold(2)),
        ("capture", 8, end(0, CAPTURE, 1), end(1, CAPTURE, 2)),
        (
            "void",
            8,
            end(2, HoldEnd::Void, 3),
            end(3, HoldEnd::Void, 4),
        ),
    ];
    for (kind, most, first, counted) in kinds {
        trips(play, &wire, &ctx, &[first]).await;
        let taken = trips(play, &wire, &ctx, &[counted]).await;
        assert!(taken.len() <= most, "{kind}: {} {taken:#?}", taken.len());
    }
    let group = [
        buy(3),
        whole(2, 3),
        hold(3),
        end(4, CAPTURE, 5),
        end(5, HoldEnd::Void, 6),
    ];
    let taken = trips(play, &wire, &ctx, &group).await;
    assert!(taken.len() <= mixed, "mixed: {} {taken:#?}", taken.len());
    ctx.close().await;
    play.town.assert_clean(SALES + 3).await;
}

#[tokio::test]
async fn groups_keep_within_their_round_trips() {
    assert_trips(&Play::open_plain().await, 2, 8).await;
}

#[tokio::test]
async fn budgets_take_one_round_trip_more_where_something_is_granted() {
    assert_trips(&Play::open().await, 6, 9).await;
}
