//! Purchases and the job behind them that hashes the ends of phones.

use std::time::Duration;

use services::loyalty::engine::Lane;
use services::members::hash_tails::hash_phone_tails;
use sqlx::Connection as _;

use super::town::{Town, assert_posted, business, orders};

/// Two who bought for the first time.
async fn two_unhashed() -> Town {
    let town = Town::open().await;
    let ctx = &town.app.context;
    let orders = orders(&town.cafe, "A-", 2);
    assert_posted(&ctx.engine().submit_each(ctx, Lane::Till, orders).await);
    town
}

#[tokio::test]
async fn whoever_is_kept_from_change_is_passed_by_and_done_later() {
    let town = two_unhashed().await;
    let mut owner = town.owner().await;
    let mut holding = owner.begin().await.unwrap();
    sqlx::query("select from member_businesses limit 1 for update")
        .execute(&mut *holding)
        .await
        .unwrap();
    let first = hash_phone_tails(&town.app.context);
    let first = tokio::time::timeout(Duration::from_secs(10), first).await;
    assert_eq!(first.expect("it waits for nobody").unwrap(), 1);
    holding.rollback().await.unwrap();
    assert_eq!(hash_phone_tails(&town.app.context).await.unwrap(), 1);
}

#[tokio::test]
async fn a_hash_is_kept_for_the_phone_of_which_it_was_made() {
    let town = two_unhashed().await;
    let (mut owner, cafe) = (town.owner().await, business(&town.cafe));
    let rows = store::member_tails::unhashed(&mut owner, cafe, 10).await;
    let rows = rows.unwrap();
    sqlx::query("update members set phone_sealed = phone_sealed || '\\x00' where id = $1")
        .bind(rows[0].member_id)
        .execute(&mut owner)
        .await
        .unwrap();
    let hashes = vec![b"of what was read".to_vec(); rows.len()];
    let kept = store::member_tails::set(&mut owner, cafe, &rows, &hashes).await;
    assert_eq!(kept.unwrap(), 1);
    let left = store::member_tails::unhashed(&mut owner, cafe, 10).await;
    let left: Vec<_> = left.unwrap().iter().map(|row| row.member_id).collect();
    assert_eq!(left, [rows[0].member_id]);
}
