//! Groups that hold no lock while they are decided: what happens when a wallet changes under them.

use std::time::Duration;

use domain::ids::MemberId;
use domain::loyalty::purchase::Spend;
use domain::text::Text;
use services::caller::OperatorCaller;
use services::context::Context;
use services::loyalty::engine::{Lane, Order};
use services::loyalty::posting::PostRefusal;
use services::members::office::{block, unblock};
use sqlx::PgConnection;

use super::town::{
    Answered, Town, admin, assert_posted, keyed, one_shard, order, points, purchase, request, until,
};

/// A number for a lock that a test holds.
const HELD: &str = "select pg_advisory_lock(4242)";

async fn send(ctx: &Context, order: Order) -> Answered {
    let sent = ctx.engine().submit_one(ctx, Lane::Till, order);
    let sent = tokio::time::timeout(Duration::from_secs(20), sent);
    sent.await.expect("an answer")
}

/// Waits until so many processes of the server wait for a lock.
async fn until_waiting(conn: &mut PgConnection, count: i64) {
    let query = "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'";
    loop {
        let waiting: i64 = sqlx::query_scalar(query)
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        if waiting >= count {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// One node writes `first` and stands still before it commits; meanwhile another decides on `second` and waits for the
/// wallet. Then both go on.
async fn overtake(town: &Town, first: Order, second: Order) -> (Answered, Answered) {
    let nodes = [town.node(one_shard()).await, town.node(one_shard()).await];
    // Each node has prepared its statements.
    for (n, node) in nodes.iter().enumerate() {
        purchase(&send(node, order(&town.cafe, &format!("warm-{n}"), 1)).await);
    }
    town.when_posted("A", "perform pg_advisory_xact_lock(4242);")
        .await;
    let mut holder = town.owner().await;
    let mut other = town.owner().await;
    sqlx::query(HELD).execute(&mut holder).await.unwrap();
    let first = async { send(&nodes[0], first).await };
    let second = async {
        until_waiting(&mut other, 1).await;
        let release = async {
            let mut watcher = town.owner().await;
            until_waiting(&mut watcher, 2).await;
            sqlx::query("select pg_advisory_unlock(4242)")
                .execute(&mut holder)
                .await
                .unwrap();
        };
        let (answer, ()) = tokio::join!(send(&nodes[1], second), release);
        answer
    };
    let answers = tokio::join!(first, second);
    for node in &nodes {
        until(|| async { node.engine().waiting() == 0 }).await;
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_that_changes_meanwhile_is_looked_at_again() {
    let town = Town::open().await;
    purchase(&send(&town.app.context, order(&town.cafe, "E", 1)).await);
    let (first, second) =
        overtake(&town, order(&town.cafe, "A", 1), order(&town.cafe, "B", 1)).await;
    assert_posted(&[first, second]);
    let all = "select count(*) from wallets where available = 5 * 500";
    assert_eq!(town.number(all).await, 1);
    town.assert_clean(5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_that_are_spent_meanwhile_are_not_spent_again() {
    let town = Town::open().await;
    purchase(&send(&town.app.context, order(&town.cafe, "E", 1)).await);
    // Somebody who waits to join can't spend.
    town.run("update members set status = 'active'").await;
    let spend = |receipt: &str| {
        let mut spend = request(receipt, 1, 20_000);
        spend.spend = Spend::Points(points(15));
        keyed(&town.cafe, spend, receipt)
    };
    // There are fifteen: five of each purchase before. What the first one earns is less.
    let (first, second) = overtake(&town, spend("A"), spend("B")).await;
    assert_posted(&[first]);
    assert!(
        matches!(&second, Ok(Err(refusal)) if !matches!(refusal, PostRefusal::Idempotency(_))),
        "{second:?}"
    );
    town.assert_clean(4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_that_was_only_locked_meanwhile_is_as_it_was() {
    let town = Town::open().await;
    let ctx = town.node(one_shard()).await;
    purchase(&send(&ctx, order(&town.cafe, "E", 1)).await);
    let (mut other, mut watcher) = (town.owner().await, town.owner().await);
    let mut holding = sqlx::Connection::begin(&mut other).await.unwrap();
    sqlx::query("select from wallets for update")
        .execute(&mut *holding)
        .await
        .unwrap();
    town.when_posted("B", "perform nextval('times_posted');")
        .await;
    let release = async {
        until_waiting(&mut watcher, 1).await;
        holding.rollback().await.unwrap();
    };
    let (answer, ()) = tokio::join!(send(&ctx, order(&town.cafe, "B", 1)), release);
    purchase(&answer);
    assert_eq!(town.times_posted().await, 1);
    town.assert_clean(2).await;
}

/// A purchase is decided on; before it is written, `change` of its member is committed.
async fn bought_while(
    town: &Town,
    change: impl AsyncFnOnce(&mut PgConnection, MemberId),
) -> Answered {
    let ctx = town.node(one_shard()).await;
    purchase(&send(&ctx, order(&town.cafe, "E", 1)).await);
    let (mut other, mut watcher) = (town.owner().await, town.owner().await);
    let mut holding = sqlx::Connection::begin(&mut other).await.unwrap();
    let member: uuid::Uuid = sqlx::query_scalar("select member_id from wallets for update")
        .fetch_one(&mut *holding)
        .await
        .unwrap();
    change(&mut holding, member.into()).await;
    let release = async {
        until_waiting(&mut watcher, 1).await;
        holding.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(send(&ctx, order(&town.cafe, "B", 1)), release);
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_left_meanwhile_earns_nothing() {
    let town = Town::open().await;
    let now = town.app.context.clock().now();
    let answer = bought_while(&town, async |conn, member| {
        store::erasures::lock_wallet_with_holds(conn, member, now)
            .await
            .unwrap();
        store::erasures::make_nobody(conn, member, now)
            .await
            .unwrap();
    })
    .await;
    // The phone is somebody new's.
    purchase(&answer);
    let each = "select count(*) from wallets where available = 500";
    assert_eq!(town.number(each).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_blocked_meanwhile_earns_nothing() {
    let town = Town::open().await;
    let answer = bought_while(&town, async |conn, member| {
        store::wallets::renew(conn, member).await.unwrap();
        store::members::set_blocked(conn, member, true)
            .await
            .unwrap();
    })
    .await;
    assert!(matches!(&answer, Ok(Err(_))), "{answer:?}");
    town.assert_clean(1).await;
}

/// The wallets, oldest member first: whose, and their versions.
async fn wallets(town: &Town) -> Vec<(uuid::Uuid, String)> {
    let query = "select member_id, xmin::text from wallets order by member_id";
    sqlx::query_as(query)
        .fetch_all(&mut town.owner().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn blocking_and_letting_in_give_the_wallet_a_new_version() {
    let town = Town::open().await;
    let ctx = &town.app.context;
    for person in [1, 2] {
        let order = order(&town.cafe, &format!("E-{person}"), person);
        purchase(&send(ctx, order).await);
    }
    let first = wallets(&town).await;
    let (member, office) = (first[0].0, first[1].0);
    let caller = OperatorCaller {
        member: office.into(),
        ..admin()
    };
    let reason = || Text::new("lost phone").unwrap();
    block(ctx, &caller, member.into(), reason()).await.unwrap();
    let second = wallets(&town).await;
    unblock(ctx, &caller, member.into(), reason())
        .await
        .unwrap();
    let third = wallets(&town).await;
    assert!(first[0] != second[0] && second[0] != third[0]);
    assert_eq!(first[1], third[1]);
}
