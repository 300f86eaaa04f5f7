//! Enqueueing is part of the caller's transaction, and equal keys are one job.

use jobs::{EnqueueError, Job};
use serde::{Deserialize, Serialize};
use sqlx::Connection as _;

use crate::support::{Say, TestDb, Throttled, at, say, say_once};

#[tokio::test]
async fn a_job_lives_and_dies_with_its_transaction() {
    let db = TestDb::new().await;
    let mut conn = db.conn().await;

    let mut tx = conn.begin().await.unwrap();
    jobs::enqueue(&mut tx, &say("lost"), at(8, 0))
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(db.queue().await, []);

    let mut tx = conn.begin().await.unwrap();
    let id = jobs::enqueue_at(&mut tx, &say("kept"), at(9, 0))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let queue = db.queue().await;
    assert_eq!(queue.len(), 1);
    assert_eq!(
        (queue[0].id, queue[0].run_at, queue[0].job.as_str()),
        (id, at(9, 0), "say")
    );
    drop(conn);
    db.drop().await;
}

#[tokio::test]
async fn equal_keys_are_one_job_with_the_last_payload() {
    let db = TestDb::new().await;
    let mut conn = db.conn().await;
    let first = jobs::enqueue_at(&mut conn, &say_once("one", "k"), at(9, 0))
        .await
        .unwrap();
    let second = jobs::enqueue_at(&mut conn, &say_once("two", "k"), at(10, 0))
        .await
        .unwrap();
    jobs::enqueue_at(&mut conn, &say_once("other", "l"), at(9, 0))
        .await
        .unwrap();

    assert_eq!(first, second);
    let queue = db.queue().await;
    assert_eq!(queue.len(), 2);
    assert_eq!(queue[1].payload["text"], "two");
    assert_eq!(queue[1].run_at, at(10, 0));
    assert_eq!(queue[1].unique_key.as_deref(), Some("say:k"));
    drop(conn);
    db.drop().await;
}

#[tokio::test]
async fn a_throttled_job_keeps_its_first_time() {
    let db = TestDb::new().await;
    let mut conn = db.conn().await;
    for (text, hour) in [("one", 9), ("two", 11)] {
        jobs::enqueue_at(&mut conn, &Throttled { text: text.into() }, at(hour, 0))
            .await
            .unwrap();
    }
    let queue = db.queue().await;
    assert_eq!(queue.len(), 1);
    assert_eq!(queue[0].run_at, at(9, 0));
    assert_eq!(queue[0].payload["text"], "two");
    drop(conn);
    db.drop().await;
}

#[tokio::test]
async fn a_batch_is_one_statement_and_equal_keys_in_it_are_one_job() {
    let db = TestDb::new().await;
    let mut conn = db.conn().await;
    let none: &[Say] = &[];
    let ids = jobs::enqueue_all(&mut conn, none, at(8, 0)).await.unwrap();
    assert_eq!(ids, [] as [i64; 0]);

    let batch = [
        say("a"),
        say_once("old", "k"),
        say("b"),
        say_once("new", "k"),
    ];
    let ids = jobs::enqueue_all(&mut conn, &batch, at(8, 0))
        .await
        .unwrap();
    assert_eq!(ids.len(), 3);
    let mut texts: Vec<_> = db
        .queue()
        .await
        .into_iter()
        .map(|row| row.payload["text"].clone())
        .collect();
    texts.sort_by_key(ToString::to_string);
    assert_eq!(texts, ["a", "b", "new"]);
    drop(conn);
    db.drop().await;
}

#[derive(Debug, Serialize, Deserialize)]
struct Bare(Vec<u32>);

impl Job for Bare {
    const NAME: &'static str = "bare";
}

#[tokio::test]
async fn a_payload_that_is_no_object_is_refused() {
    let db = TestDb::new().await;
    let refused = jobs::enqueue(&mut *db.conn().await, &Bare(vec![1]), at(8, 0)).await;
    assert!(matches!(
        refused,
        Err(EnqueueError::PayloadIsNotAnObject("bare"))
    ));
    assert_eq!(db.queue().await, []);
    db.drop().await;
}

#[tokio::test]
async fn migrating_again_changes_nothing_and_the_role_stays_small() {
    let db = TestDb::new().await;
    let both = tokio::join!(
        jobs::migrate(&db.owner, Some(crate::support::ROLE)),
        jobs::migrate(&db.owner, Some("a role that is not there"))
    );
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    jobs::migrate(&db.owner, None).await.unwrap();
    for forbidden in [
        "insert into graphile_worker.migrations (id) values (1000)",
        "create table graphile_worker.more ()",
        "drop table graphile_worker._private_jobs",
    ] {
        let refused = sqlx::query(forbidden).execute(&db.app).await.unwrap_err();
        let code = refused
            .as_database_error()
            .and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{forbidden}: {refused}");
    }
    db.drop().await;
}
