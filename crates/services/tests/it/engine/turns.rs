//! Who is served when: fairness, the two lanes, room, order, and the end.

use futures_util::future::join_all;
use services::loyalty::engine::{EngineConfig, EngineError, Lane};

use super::town::{
    Town, assert_posted, failures, one_shard, order, orders, plain, purchase, shards, until,
};

#[tokio::test]
async fn what_waits_is_written_as_one_group() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    let answers = ctx
        .engine()
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "A-", 50))
        .await;
    assert_posted(&answers);
    let transactions = "select count(distinct xmin::text) from purchases";
    assert_eq!(town.number(transactions).await, 1);
    town.assert_clean(50).await;
}

#[tokio::test]
async fn a_hot_tenant_does_not_keep_anothers_order_waiting() {
    let town = Town::open().await;
    let small = EngineConfig {
        group: 8,
        ..one_shard()
    };
    let ctx = town.node(small).await;
    let hot = orders(&town.cafe, "H-", 200);
    let hot = ctx.engine().submit_each(&ctx, Lane::Till, hot);
    let cold = async {
        let order = order(&town.shop, "C-1", 500);
        let answer = ctx.engine().submit_one(&ctx, Lane::Till, order).await;
        (purchase(&answer), ctx.engine().waiting())
    };
    let (hot, (cold, waiting)) = tokio::join!(hot, cold);
    assert!(waiting > 150, "{waiting} waited still");
    let before = hot.iter().filter(|answer| purchase(answer) < cold).count();
    assert!(before < 8, "{before} went before it");
    town.assert_clean(201).await;
}

#[tokio::test]
async fn tills_go_before_batches_and_batches_move() {
    let town = Town::open().await;
    let small = EngineConfig {
        group: 16,
        bulk: 16,
        ..one_shard()
    };
    let ctx = town.node(small).await;
    let engine = ctx.engine();
    let rows = (0..120).map(|n| plain(&town.cafe, &format!("B-{n}"), n));
    let bulk = engine.submit_each(&ctx, Lane::Bulk, rows.collect());
    let till = engine.submit_each(&ctx, Lane::Till, orders(&town.cafe, "T-", 60));
    let (bulk, till) = tokio::join!(bulk, till);
    assert_posted(&bulk);
    assert_posted(&till);
    let last_till = till.iter().map(purchase).max().unwrap();
    let before = bulk
        .iter()
        .filter(|answer| purchase(answer) < last_till)
        .count();
    // Five groups of fourteen tills and two rows, or one more.
    assert!((6..=30).contains(&before), "{before} rows among the tills");
    town.assert_clean(180).await;
}

#[tokio::test]
async fn tills_beyond_the_bound_are_refused_and_batches_wait() {
    let town = Town::open().await;
    let narrow = EngineConfig {
        queue: 16,
        group: 8,
        bulk: 4,
        ..one_shard()
    };
    let ctx = town.node(narrow).await;
    let answers = ctx
        .engine()
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "T-", 100))
        .await;
    let refused = failures(&answers);
    assert_eq!(refused, (16..100).collect::<Vec<_>>());
    for index in refused {
        let refusal = &answers[index];
        assert!(
            matches!(refusal, Err(EngineError::Overloaded { retry_after: 1 })),
            "{refusal:?}"
        );
    }
    let rows = (0..100).map(|n| plain(&town.cafe, &format!("B-{n}"), n));
    let rows = ctx
        .engine()
        .submit_each(&ctx, Lane::Bulk, rows.collect())
        .await;
    assert_posted(&rows);
    // There is room again, as much as before.
    let again = orders(&town.cafe, "U-", 16);
    let again = ctx.engine().submit_each(&ctx, Lane::Till, again).await;
    assert_posted(&again);
    town.assert_clean(16 + 100 + 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_in_order_is_decided_in_order() {
    let town = Town::open().await;
    let small = EngineConfig {
        group: 8,
        bulk: 8,
        ..shards(3)
    };
    let ctx = town.node(small).await;
    let batch = |prefix: &str| {
        (0..60)
            .map(|n| plain(&town.cafe, &format!("{prefix}{n}"), n % 7))
            .collect()
    };
    let engine = ctx.engine();
    let (first, second) = tokio::join!(
        engine.submit_in_order(&ctx, Lane::Bulk, batch("A-")),
        engine.submit_in_order(&ctx, Lane::Bulk, batch("B-")),
    );
    for outcomes in [first.unwrap(), second.unwrap()] {
        let ids = outcomes.into_iter().map(|outcome| purchase(&Ok(outcome)));
        assert!(ids.is_sorted());
    }
    town.assert_clean(120).await;
}

#[tokio::test]
async fn whoever_leaves_cancels_nothing() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    {
        let engine = ctx.engine();
        let mut leaving: Vec<_> = (0..20)
            .map(|n| {
                let order = order(&town.cafe, &format!("A-{n}"), n);
                Box::pin(engine.submit_one(&ctx, Lane::Till, order))
            })
            .collect();
        for submitted in &mut leaving {
            assert!(futures_util::poll!(submitted).is_pending());
        }
    }
    ctx.engine().drain().await;
    town.assert_clean(20).await;
}

#[tokio::test]
async fn a_drained_engine_has_answered_all_and_takes_nothing() {
    let town = Town::open().await;
    let small = EngineConfig {
        group: 8,
        bulk: 4,
        ..shards(2)
    };
    let ctx = town.node(small).await;
    let engine = ctx.engine();
    let till = engine.submit_each(&ctx, Lane::Till, orders(&town.cafe, "T-", 60));
    let rows = (0..60).map(|n| plain(&town.cafe, &format!("B-{n}"), n));
    let bulk = engine.submit_each(&ctx, Lane::Bulk, rows.collect());
    let (till, bulk, ()) = tokio::join!(till, bulk, engine.drain());
    assert_posted(&till);
    let broken_off = failures(&bulk);
    assert!(!broken_off.is_empty(), "what waited for room is not");
    for index in &broken_off {
        assert!(matches!(bulk[*index], Err(EngineError::Stopping)));
    }
    let late = engine
        .submit_one(&ctx, Lane::Till, order(&town.cafe, "L", 1))
        .await;
    assert!(matches!(late, Err(EngineError::Stopping)), "{late:?}");
    ctx.close().await;
    town.assert_clean(120 - broken_off.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_at_rest_holds_no_context() {
    let town = Town::open().await;
    let ctx = town.node(shards(2)).await;
    let sms = std::sync::Arc::downgrade(ctx.sms());
    let known = sms.strong_count();
    let all = (0..40).map(|n| {
        let order = order(&town.cafe, &format!("A-{n}"), n);
        ctx.engine().submit_one(&ctx, Lane::Till, order)
    });
    assert_posted(&join_all(all).await);
    drop(ctx);
    until(|| async { sms.strong_count() == known - 1 }).await;
    town.assert_clean(40).await;
}
