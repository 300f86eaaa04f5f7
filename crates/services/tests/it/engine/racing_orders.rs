//! Refunds and ends of holds from many callers and two processes at once.

use std::collections::BTreeSet;

use domain::ids::{HoldId, PurchaseId};
use domain::loyalty::refund::RefundRequest;
use domain::money::Money;
use futures_util::future::join_all;
use services::context::Context;
use services::idempotency::Answer;
use services::loyalty::engine::{Lane, Order};
use services::loyalty::posting::{
    EndHoldItem, HeldPoints, HoldEnd, HoldItem, PostOutcome, PostRefusal, RefundItem, Refunded,
};

use super::town::{
    Answered, Town, assert_posted, business, failures, key, keyed, one_shard, phone, points,
    purchase, request, shards,
};

fn refund(town: &Town, sale: PurchaseId, request: RefundRequest, name: &str) -> Order {
    Order::from(RefundItem {
        businesses: vec![business(&town.cafe)],
        cashier_member: None,
        purchase: sale,
        receipt_number: None,
        request,
        is_void: false,
        reason: String::new(),
        idempotency: Some((key(name), refunded)),
    })
}

fn refunded(refunded: &Refunded) -> Answer {
    answer(refunded.refund.id.to_string())
}

fn held(held: &HeldPoints) -> Answer {
    answer(held.hold.id.to_string())
}

fn answer(text: String) -> Answer {
    Answer {
        status: 201,
        location: None,
        body: text.into_bytes(),
    }
}

fn kopecks(kopecks: i64) -> RefundRequest {
    RefundRequest::Amount(Money::from_hundredths(kopecks))
}

/// A purchase of a member who has joined.
async fn sale(town: &Town, ctx: &Context, total: i64) -> PurchaseId {
    let order = keyed(&town.cafe, request("S", 1, total), "S");
    let answers = ctx.engine().submit_each(ctx, Lane::Till, vec![order]).await;
    town.run("update members set status = 'active'").await;
    purchase(&answers[0]).into()
}

async fn at_once(nodes: &[Context], orders: Vec<Order>) -> Vec<Answered> {
    let tasks = orders.into_iter().enumerate().map(|(n, order)| {
        let ctx = nodes[n % nodes.len()].clone();
        tokio::spawn(async move { ctx.engine().submit_one(&ctx, Lane::Till, order).await })
    });
    let ended = join_all(tasks).await;
    ended.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_than_the_sale_is_refunded() {
    let town = Town::open().await;
    let nodes = [town.node(shards(2)).await, town.node(shards(2)).await];
    let sale = sale(&town, &nodes[0], 40_000).await;
    let refunds = (0..20).map(|n| refund(&town, sale, kopecks(3_000), &format!("r-{n}")));
    let answers = at_once(&nodes, refunds.collect()).await;
    let refused = failures(&answers);
    assert_eq!(refused.len(), 7, "13 times 30 of 400 roubles: {answers:?}");
    for index in refused {
        let answer = &answers[index];
        assert!(
            matches!(answer, Ok(Err(PostRefusal::Refund(_)))),
            "{answer:?}"
        );
    }
    let rest = "select 40000 - sum(amount)::bigint from refunds";
    assert_eq!(town.number(rest).await, 1_000);
    town.assert_clean(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_refund_sent_many_times_has_one_effect() {
    let town = Town::open().await;
    let nodes = [town.node(shards(2)).await, town.node(shards(2)).await];
    let sale = sale(&town, &nodes[0], 40_000).await;
    let same = || refund(&town, sale, kopecks(3_000), "r");
    let answers = at_once(&nodes, (0..30).map(|_| same()).collect()).await;
    let mut told = BTreeSet::new();
    for answer in answers {
        match answer.unwrap() {
            Ok(outcome) => drop(told.insert(outcome.answered().unwrap().answer.body)),
            Err(refusal) => assert!(matches!(refusal, PostRefusal::Idempotency(_))),
        }
    }
    assert_eq!(told.len(), 1);
    assert_eq!(town.number("select count(*) from refunds").await, 1);
    town.assert_clean(1).await;
}

#[tokio::test]
async fn a_refund_that_loses_a_race_runs_again() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    let sale = sale(&town, &ctx, 40_000).await;
    town.when_posted("none", "null;").await;
    town.run(
        "create function at_refund() returns trigger language plpgsql security definer as
         $$ begin if nextval('times_posted') <= 1 then
             raise exception 'lost' using errcode = '40001'; end if; return new; end $$",
    )
    .await;
    town.run("create trigger at_refund before insert on refunds for each row execute function at_refund()")
        .await;
    let orders = vec![
        refund(&town, sale, kopecks(3_000), "a"),
        keyed(&town.cafe, request("T", 2, 10_000), "T"),
        refund(&town, sale, RefundRequest::Everything, "b"),
    ];
    let answers = ctx.engine().submit_each(&ctx, Lane::Till, orders).await;
    assert_posted(&answers);
    assert_eq!(town.number("select count(*) from refunds").await, 2);
    town.assert_clean(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_is_captured_once() {
    let town = Town::open().await;
    let nodes = [town.node(shards(2)).await, town.node(shards(2)).await];
    let _sale = sale(&town, &nodes[0], 1_000_000).await;
    let hold = Order::from(HoldItem {
        business: business(&town.cafe),
        cashier_member: None,
        reference: "H".to_owned(),
        member: phone(1),
        points: points(100),
        minutes: None,
        idempotency: Some((key("h"), held)),
    });
    let made = at_once(&nodes, vec![hold]).await;
    let Ok(Ok(PostOutcome::Held(made, _))) = &made[0] else {
        panic!("no hold: {made:?}");
    };
    let id: HoldId = made.hold.id;
    let captures = (0..20).map(|n| {
        Order::from(EndHoldItem {
            businesses: vec![business(&town.cafe)],
            cashier_member: None,
            hold: id,
            end: HoldEnd::Capture(None),
            idempotency: Some((key(&format!("c-{n}")), held)),
        })
    });
    let answers = at_once(&nodes, captures.collect()).await;
    assert_eq!(failures(&answers).len(), 19);
    town.assert_clean(1).await;
}

#[tokio::test]
async fn what_somebody_bought_who_left_can_be_returned() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    let sale = sale(&town, &ctx, 40_000).await;
    town.run("update members set status = 'erased'").await;
    let order = refund(&town, sale, RefundRequest::Everything, "r");
    let answers = ctx
        .engine()
        .submit_each(&ctx, Lane::Till, vec![order])
        .await;
    assert_posted(&answers);
    town.assert_clean(1).await;
}
