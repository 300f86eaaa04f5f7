//! The line to the database breaks: a commit whose answer is lost, and a database that is away.

use services::loyalty::engine::{EngineError, Lane};

use super::proxy::Proxy;
use super::town::{Town, assert_posted, one_shard, order, orders, purchase, shards};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_answered_and_not_repeated() {
    let town = Town::open().await;
    let proxy = Proxy::to(&town.app.database_url()).await;
    let ctx = town.node_at(proxy.url(), one_shard()).await;
    let engine = ctx.engine();
    for round in 0..3 {
        proxy.swallow_next_commit();
        let all = orders(&town.cafe, &format!("A-{round}-"), 20);
        let answers = engine.submit_each(&ctx, Lane::Till, all).await;
        assert_posted(&answers);
        assert_eq!(proxy.swallowed(), round + 1);
    }
    town.assert_clean(60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_told_soon_and_found_again() {
    let town = Town::open().await;
    let proxy = Proxy::to(&town.app.database_url()).await;
    let ctx = town.node_at(proxy.url(), shards(2)).await;
    let engine = ctx.engine();
    let before = engine
        .submit_one(&ctx, Lane::Till, order(&town.cafe, "A", 1))
        .await;
    purchase(&before);
    proxy.cut();
    for prefix in ["B-", "C-"] {
        let all = orders(&town.cafe, prefix, 20);
        let answers = engine.submit_each(&ctx, Lane::Till, all).await;
        for answer in &answers {
            assert!(
                matches!(answer, Err(EngineError::Unavailable)),
                "{answer:?}"
            );
        }
    }
    proxy.mend();
    let after = orders(&town.cafe, "B-", 20);
    let after = engine.submit_each(&ctx, Lane::Till, after).await;
    assert_posted(&after);
    town.assert_clean(21).await;
}
