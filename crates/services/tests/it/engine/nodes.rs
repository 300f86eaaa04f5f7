//! Many callers and several processes on one database.

use std::collections::BTreeSet;

use domain::loyalty::purchase::Spend;
use futures_util::future::join_all;
use services::context::Context;
use services::idempotency::IdempotencyError;
use services::loyalty::engine::{Lane, Order};
use services::loyalty::ladder;
use services::loyalty::posting::{PostOutcome, PostRefusal};

use super::town::{
    Answered, Town, admin, assert_posted, failures, keyed, order, points, purchase, request, shards,
};

/// Sends orders at the same moment, by turns through the nodes.
async fn at_once(nodes: &[Context], orders: Vec<Order>) -> Vec<Answered> {
    let tasks = orders.into_iter().enumerate().map(|(n, order)| {
        let ctx = nodes[n % nodes.len()].clone();
        tokio::spawn(async move { ctx.engine().submit_one(&ctx, Lane::Till, order).await })
    });
    let ended = join_all(tasks).await;
    ended.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_share_members_without_harm() {
    let town = Town::open().await;
    let nodes = [town.node(shards(2)).await, town.node(shards(2)).await];
    let orders = (0..300).map(|n| {
        let till = [&town.cafe, &town.shop][usize::from(n % 3 == 0)];
        order(till, &format!("A-{n}"), n % 5)
    });
    let answers = at_once(&nodes, orders.collect()).await;
    assert_posted(&answers);
    let members = "select count(*) from wallets where available = 60 * 500";
    assert_eq!(town.number(members).await, 5);
    town.assert_clean(300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn points_are_not_spent_twice_by_two_nodes() {
    let town = Town::open().await;
    let nodes = [town.node(shards(2)).await, town.node(shards(1)).await];
    let earned = keyed(&town.cafe, request("E", 1, 2_000_000), "E");
    assert_posted(&at_once(&nodes, vec![earned]).await);
    // Somebody who waits to join can't spend.
    town.run("update members set status = 'active'").await;
    let spends = (0..40).map(|n| {
        let mut spend = request(&format!("S-{n}"), 1, 20_000);
        spend.spend = Spend::Points(points(100));
        keyed(&town.cafe, spend, &format!("S-{n}"))
    });
    let answers = at_once(&nodes, spends.collect()).await;
    assert_eq!(failures(&answers).len(), 30, "{:?}", answers[39]);
    town.assert_clean(11).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_sent_many_times_has_one_effect() {
    let town = Town::open().await;
    let nodes = [town.node(shards(2)).await, town.node(shards(2)).await];
    for round in 0..5 {
        let receipt = format!("A-{round}");
        let orders = (0..30).map(|_| order(&town.cafe, &receipt, 1));
        let answers = at_once(&nodes, orders.collect()).await;
        let mut made = BTreeSet::new();
        let mut fresh = 0;
        for answer in &answers {
            match answer {
                Ok(Err(PostRefusal::Idempotency(IdempotencyError::InFlight))) => {}
                Ok(Ok(PostOutcome::Posted(..))) => {
                    fresh += 1;
                    made.insert(purchase(answer));
                }
                other => drop(made.insert(purchase(other))),
            }
        }
        assert_eq!((fresh, made.len()), (1, 1));
    }
    town.assert_clean(5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_receipt_of_many_members_makes_one_purchase() {
    let town = Town::open().await;
    let nodes = [town.node(shards(2)).await, town.node(shards(2)).await];
    let orders = (0..40).map(|n| keyed(&town.cafe, request("A", n % 9, 10_000), &format!("k-{n}")));
    let answers = at_once(&nodes, orders.collect()).await;
    assert_eq!(failures(&answers).len(), 39);
    for answer in answers.iter().filter(|answer| !matches!(answer, Ok(Ok(_)))) {
        assert!(
            matches!(answer, Ok(Err(PostRefusal::ReceiptSeen { .. }))),
            "{answer:?}"
        );
    }
    town.assert_clean(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_ladder_changes_while_members_climb_it() {
    let town = Town::open().await;
    let nodes = [town.node(shards(2)).await, town.node(shards(2)).await];
    let tiers = ladder::current(&nodes[0]).await.unwrap().tiers().to_vec();
    let climb = |step: i64| {
        let mut tiers = tiers.clone();
        for (rank, tier) in (0_i64..).zip(&mut tiers) {
            tier.threshold = rank * (20_000 + 1_000 * step);
        }
        let ctx = nodes[0].clone();
        async move { ladder::set(&ctx, &admin(), None, tiers).await }
    };
    climb(0).await.unwrap();
    let changing = async {
        for step in 1..20 {
            climb(step).await.unwrap();
        }
    };
    // The other node sees a change within five seconds, which do not pass here.
    let orders = (0..200).map(|n| order(&town.cafe, &format!("A-{n}"), n / 2 % 10));
    let (answers, ()) = tokio::join!(at_once(&nodes, orders.collect()), changing);
    assert_posted(&answers);
    let climbed =
        "select count(*) from wallets w join tiers t on t.code = w.tier where t.level > 0";
    assert_eq!(town.number(climbed).await, 10);
    town.assert_clean(200).await;
}
