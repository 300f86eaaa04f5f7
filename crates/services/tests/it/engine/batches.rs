//! Batches that break off, are sent twice, or wait: what is answered in the end is what was posted, each purchase once.

use services::caller::TillCaller;
use services::context::Context;
use services::idempotency::{Answer, Answered, IdempotencyError};
use services::loyalty::engine::{EngineConfig, Lane};
use services::loyalty::post_batch::{NotPosted, PostBatchError, Verdict, post_batch};
use services::loyalty::post_purchase::PurchaseRequest;
use sqlx::Connection as _;

use super::town::{Town, key, one_shard, order, purchase, request, shards, told, until};

/// A line a purchase: its identifier, or why there is none.
fn written(verdicts: Vec<Verdict>) -> Answer {
    let lines = verdicts.into_iter().map(|verdict| match verdict {
        Ok(answer) => String::from_utf8(answer.body).unwrap(),
        Err(NotPosted::Refused(refusal)) => format!("refused: {refusal}"),
        Err(NotPosted::Failed(error)) => format!("failed: {error}"),
    });
    Answer {
        status: 207,
        location: None,
        body: lines.collect::<Vec<_>>().join("\n").into_bytes(),
    }
}

fn lines(answered: &Answered) -> Vec<String> {
    let text = std::str::from_utf8(&answered.answer.body).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Purchases of different people, the receipt `B-5` among them, each with its place.
fn requests(count: u32) -> Vec<(usize, PurchaseRequest)> {
    let requests = (0..count).map(|n| request(&format!("B-{n}"), n, 10_000));
    requests.enumerate().collect()
}

async fn send(
    ctx: &Context,
    till: &TillCaller,
    requests: Vec<(usize, PurchaseRequest)>,
    name: &str,
) -> Result<Answered, PostBatchError> {
    post_batch(ctx, till, requests, key(name), told, written).await
}

async fn send_20(town: &Town, ctx: &Context) -> Result<Answered, PostBatchError> {
    send(ctx, &town.cafe, requests(20), "batch").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_answer_was_lost_is_answered_as_the_first_time() {
    let town = Town::open().await;
    let ctx = town.node(shards(2)).await;
    // Everything is posted, and then the answer can't be kept: as if the process had died just then.
    town.run(
        "create function lose() returns trigger language plpgsql as
         $$ begin raise exception 'the end'; end $$",
    )
    .await;
    town.run(
        "create trigger lose before insert on kept_answers for each row
         when (new.status = 207) execute function lose()",
    )
    .await;
    let lost = send_20(&town, &ctx).await;
    assert!(matches!(lost, Err(PostBatchError::Store(_))), "{lost:?}");
    town.assert_clean(20).await;
    let mut posted: Vec<String> = sqlx::query_scalar("select id::text from purchases")
        .fetch_all(&mut town.owner().await)
        .await
        .unwrap();
    town.run("drop trigger lose on kept_answers").await;

    let mut other = requests(20);
    other[3].1.receipt_number = "B-other".to_owned();
    let mut other_key = key("batch");
    other_key.body_sha256 = [2; 32];
    let refused = post_batch(&ctx, &town.cafe, other, other_key, told, written).await;
    let reused = matches!(
        refused,
        Err(PostBatchError::Idempotency(IdempotencyError::OtherBody))
    );
    assert!(reused, "{refused:?}");

    let first = send_20(&town, &ctx).await.unwrap();
    assert!(!first.replayed);
    let mut answered = lines(&first);
    answered.sort_unstable();
    posted.sort_unstable();
    assert_eq!(answered, posted);
    let again = send_20(&town, &ctx).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.answer, first.answer);
    town.assert_clean(20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_that_failed_is_tried_again_with_the_same_batch() {
    let town = Town::open().await;
    town.when_posted("B-5", "raise exception 'poison';").await;
    let ctx = town.node(shards(2)).await;
    let first = lines(&send_20(&town, &ctx).await.unwrap());
    assert!(first[5].starts_with("failed: "), "{first:?}");
    town.assert_clean(19).await;
    town.run("drop trigger at_purchase on purchases").await;

    let second = send_20(&town, &ctx).await.unwrap();
    assert!(!second.replayed);
    for (index, (before, after)) in first.iter().zip(lines(&second)).enumerate() {
        assert_eq!(*before == after, index != 5, "{index}: {before}, {after}");
    }
    assert!(send_20(&town, &ctx).await.unwrap().replayed);
    town.assert_clean(20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_the_same_batch_meanwhile_is_told_so() {
    let town = Town::open().await;
    let nodes = [town.node(shards(2)).await, town.node(shards(2)).await];
    let known = order(&town.cafe, "A", 5);
    purchase(
        &nodes[0]
            .engine()
            .submit_one(&nodes[0], Lane::Till, known)
            .await,
    );
    let mut other = town.owner().await;
    let mut holding = other.begin_with("begin").await.unwrap();
    sqlx::query("select from wallets for update")
        .execute(&mut *holding)
        .await
        .unwrap();
    let ctx = nodes[0].clone();
    let till = town.cafe.clone();
    let first = tokio::spawn(async move { send(&ctx, &till, requests(20), "batch").await });
    until(|| async { town.number(WAITING).await == 1 }).await;
    for node in &nodes {
        let refused = send_20(&town, node).await;
        let in_flight = matches!(
            refused,
            Err(PostBatchError::Idempotency(IdempotencyError::InFlight))
        );
        assert!(in_flight, "{refused:?}");
    }
    holding.rollback().await.unwrap();
    let first = first.await.unwrap().unwrap();
    for node in &nodes {
        let again = send_20(&town, node).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.answer, first.answer);
    }
    town.assert_clean(21).await;
}

/// The server's processes of this database that wait for a row.
const WAITING: &str = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";

#[tokio::test]
async fn a_client_that_hangs_up_cancels_nothing() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    {
        let mut leaving = Box::pin(send_20(&town, &ctx));
        assert!(futures_util::poll!(&mut leaving).is_pending());
    }
    let answered = loop {
        match send_20(&town, &ctx).await {
            Err(PostBatchError::Idempotency(IdempotencyError::InFlight)) => {}
            answered => break answered.unwrap(),
        }
    };
    assert_eq!(lines(&answered).len(), 20);
    town.assert_clean(20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_till_does_not_wait_for_a_batch() {
    let town = Town::open().await;
    let small = EngineConfig {
        group: 32,
        bulk: 16,
        ..one_shard()
    };
    let ctx = town.node(small).await;
    let engine = ctx.engine();
    purchase(
        &engine
            .submit_one(&ctx, Lane::Till, order(&town.cafe, "A", 0))
            .await,
    );
    let mut other = town.owner().await;
    let mut holding = other.begin_with("begin").await.unwrap();
    sqlx::query("select from wallets for update")
        .execute(&mut *holding)
        .await
        .unwrap();
    // The first group of the batch waits for the wallet; a full room of the others waits behind it.
    let (own, till) = (ctx.clone(), town.cafe.clone());
    let batch = tokio::spawn(async move { send(&own, &till, requests(200), "batch").await });
    until(|| async { engine.waiting() == 32 }).await;
    let mut queued = Box::pin(engine.submit_one(&ctx, Lane::Till, order(&town.shop, "T", 900)));
    assert!(futures_util::poll!(&mut queued).is_pending());
    holding.rollback().await.unwrap();
    let till = purchase(&queued.await).to_string();
    let batch = lines(&batch.await.unwrap().unwrap());
    let before = batch.iter().filter(|id| **id < till).count();
    // The group that was blocked, and what stands before the till in its own.
    assert!((16..=32).contains(&before), "{before} went before the till");
    town.assert_clean(202).await;
}
