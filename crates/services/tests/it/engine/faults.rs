//! What goes wrong in a group hits the guilty order alone, and nothing is posted twice.

use std::time::Duration;

use services::loyalty::engine::{EngineError, Lane};
use sqlx::{Connection as _, PgConnection};

use super::town::{
    Town, assert_posted, failures, key, keyed, one_shard, order, orders, plain, purchase, request,
    shards, until,
};

const LOST: &str = "if nextval('times_posted') <= 1 then \
                    raise exception 'lost' using errcode = '40001'; end if;";

#[tokio::test]
async fn a_poison_order_fails_alone() {
    let town = Town::open().await;
    town.when_posted("A-13", "raise exception 'poison';").await;
    let ctx = town.node(one_shard()).await;
    let answers = ctx
        .engine()
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "A-", 40))
        .await;
    assert_eq!(failures(&answers), [13]);
    match &answers[13] {
        Err(EngineError::Store(error)) => assert_eq!(error.code(), Some("P0001")),
        other => panic!("{other:?}"),
    }
    town.assert_clean(39).await;
}

#[tokio::test]
async fn an_overflow_in_the_database_fails_alone() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    let first = ctx
        .engine()
        .submit_one(&ctx, Lane::Till, order(&town.cafe, "A", 3))
        .await;
    purchase(&first);
    // The member's day has no room left for what a purchase adds.
    town.run("update member_days set net_spend = 9223372036854775807 - 5")
        .await;
    let answers = ctx
        .engine()
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "B-", 10))
        .await;
    assert_eq!(failures(&answers), [3], "{:?}", answers[3]);
    assert_eq!(town.posted().await, 10);
}

#[tokio::test]
async fn an_order_that_panics_fails_alone() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    let mut all = orders(&town.cafe, "A-", 20);
    let item = request("A-7", 7, 10_000).into_item(
        &town.cafe,
        Some((key("A-7"), |_| panic!("a fault of the test's own"))),
    );
    all[7] = item.unwrap().into();
    let answers = ctx.engine().submit_each(&ctx, Lane::Till, all).await;
    assert_eq!(failures(&answers), [7]);
    assert!(matches!(answers[7], Err(EngineError::Panicked)));
    town.assert_clean(19).await;
}

#[tokio::test]
async fn one_blocked_member_does_not_stop_the_others() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    let engine = ctx.engine();
    let known = engine
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "A-", 20))
        .await;
    assert_posted(&known);
    let mut other = town.owner().await;
    let mut holding = other.begin_with("begin").await.unwrap();
    sqlx::query(
        "select from wallets where member_id =
         (select member_id from purchases where receipt_number = 'A-5') for update",
    )
    .execute(&mut *holding)
    .await
    .unwrap();
    let answers = engine
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "B-", 20))
        .await;
    assert_eq!(failures(&answers), [5]);
    match &answers[5] {
        Err(EngineError::Store(error)) => assert!(error.is_unavailable(), "{error}"),
        other => panic!("{other:?}"),
    }
    holding.rollback().await.unwrap();
    let again = engine
        .submit_one(&ctx, Lane::Till, order(&town.cafe, "B-5", 5))
        .await;
    purchase(&again);
    town.assert_clean(40).await;
}

#[tokio::test]
async fn a_group_that_lost_a_race_runs_again() {
    let town = Town::open().await;
    town.when_posted("A-3", LOST).await;
    let ctx = town.node(one_shard()).await;
    let answers = ctx
        .engine()
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "A-", 20))
        .await;
    assert_posted(&answers);
    assert_eq!(town.times_posted().await, 2);
    town.assert_clean(20).await;
}

#[tokio::test]
async fn an_order_that_always_loses_fails_alone() {
    let town = Town::open().await;
    let always = LOST.replace("<= 1", "> 0");
    town.when_posted("A-3", &always).await;
    let ctx = town.node(one_shard()).await;
    let answers = ctx
        .engine()
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "A-", 40))
        .await;
    assert_eq!(failures(&answers), [3]);
    // The whole, a part of three, the single one: three times each.
    assert_eq!(town.times_posted().await, 9);
    town.assert_clean(39).await;
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_is_opened_anew() {
    let town = Town::open().await;
    let cut = "if nextval('times_posted') <= 1 then \
               perform pg_terminate_backend(pg_backend_pid()); end if;";
    town.when_posted("A-3", cut).await;
    let ctx = town.node(one_shard()).await;
    let answers = ctx
        .engine()
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "A-", 20))
        .await;
    assert_posted(&answers);
    assert_eq!(town.times_posted().await, 2);
    town.assert_clean(20).await;
}

#[tokio::test]
async fn an_order_that_always_cuts_the_connection_fails_alone() {
    let town = Town::open().await;
    let cut = "perform pg_terminate_backend(pg_backend_pid());";
    town.when_posted("A-3", cut).await;
    let ctx = town.node(one_shard()).await;
    let answers = ctx
        .engine()
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "A-", 20))
        .await;
    assert_eq!(failures(&answers), [3]);
    assert!(matches!(answers[3], Err(EngineError::Unavailable)));
    town.assert_clean(19).await;
}

/// The server's processes that wait for a lock, and those that do nothing, of the programs under test.
async fn backends(conn: &mut PgConnection, state: &'static str) -> Vec<i32> {
    sqlx::query_scalar(
        "select pid from pg_stat_activity
         where datname = current_database() and application_name = 'owncircle'
           and case $1 when 'waiting' then wait_event_type = 'Lock' else state = 'idle' end",
    )
    .bind(state)
    .fetch_all(conn)
    .await
    .unwrap()
}

async fn terminate(conn: &mut PgConnection, pids: &[i32]) {
    let ended: Vec<bool> = sqlx::query_scalar("select pg_terminate_backend(p) from unnest($1) p")
        .bind(pids)
        .fetch_all(conn)
        .await
        .unwrap();
    assert!(ended.iter().all(|ended| *ended));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ended_by_the_administrator_costs_nobody_an_answer() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    let engine = ctx.engine();
    let known = engine
        .submit_each(&ctx, Lane::Till, orders(&town.cafe, "A-", 5))
        .await;
    assert_posted(&known);
    let (mut admin, mut other) = (town.owner().await, town.owner().await);
    let idle = backends(&mut admin, "idle").await;
    assert!(!idle.is_empty());
    terminate(&mut admin, &idle).await;
    let next = engine.submit_one(&ctx, Lane::Till, order(&town.cafe, "B", 1));
    purchase(&next.await);

    // And while it waits in the middle of a group.
    let mut holding = other.begin_with("begin").await.unwrap();
    sqlx::query("select from wallets for update")
        .execute(&mut *holding)
        .await
        .unwrap();
    let cut = async {
        let mut waiting = Vec::new();
        while waiting.is_empty() {
            waiting = backends(&mut admin, "waiting").await;
        }
        terminate(&mut admin, &waiting).await;
        holding.rollback().await.unwrap();
    };
    let third = orders(&town.cafe, "C-", 5);
    let (third, ()) = tokio::join!(engine.submit_each(&ctx, Lane::Till, third), cut);
    assert_posted(&third);
    town.assert_clean(11).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_orders_stand_beside_posted_ones() {
    let town = Town::open().await;
    let ctx = town.node(shards(2)).await;
    let mut all = orders(&town.cafe, "A-", 10);
    all.push(plain(&town.cafe, "A-4", 4));
    let mut stranger = request("A-11", 11, 100);
    stranger.member = services::members::MemberReference::Member(uuid::Uuid::from_u128(4).into());
    all.push(keyed(&town.cafe, stranger, "A-11"));
    let answers = ctx.engine().submit_each(&ctx, Lane::Till, all).await;
    assert_eq!(failures(&answers), [10, 11]);
    assert!(matches!(&answers[10], Ok(Err(refusal)) if refusal.to_string().contains("receipt")));
    assert!(matches!(&answers[11], Ok(Err(_))), "{:?}", answers[11]);
    town.assert_clean(10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_rival_is_waited_for() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    let engine = ctx.engine();
    purchase(
        &engine
            .submit_one(&ctx, Lane::Till, order(&town.cafe, "A", 1))
            .await,
    );
    let mut other = town.owner().await;
    let mut holding = other.begin_with("begin").await.unwrap();
    sqlx::query("select from wallets for update")
        .execute(&mut *holding)
        .await
        .unwrap();
    let mut admin = town.owner().await;
    let release = async {
        while backends(&mut admin, "waiting").await.is_empty() {
            tokio::task::yield_now().await;
        }
        holding.commit().await.unwrap();
    };
    let second = engine.submit_one(&ctx, Lane::Till, order(&town.cafe, "B", 1));
    let second = async { tokio::time::timeout(Duration::from_secs(10), second).await };
    let (second, ()) = tokio::join!(second, release);
    purchase(&second.unwrap());
    until(|| async { engine.waiting() == 0 }).await;
    town.assert_clean(2).await;
}
