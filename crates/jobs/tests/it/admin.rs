//! An operator sees every job with its state and brings the dead back.

use jobs::admin::{self, Filter, JobCount, State};

use crate::support::{Fail, TestDb, at, context, registry, say, say_once};

#[tokio::test]
async fn the_dead_are_listed_counted_and_brought_back() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    let mut conn = db.conn().await;
    let dead = jobs::enqueue(
        &mut conn,
        &Fail {
            how: "give_up".into(),
            until: 1,
        },
        at(8, 0),
    )
    .await
    .unwrap();
    // The first attempt works from attempt 1 on; make it fail once by hand of the payload.
    sqlx::query(
        "update graphile_worker._private_jobs set payload = '{\"how\":\"give_up\",\"until\":2}'",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    jobs::enqueue_at(&mut conn, &say("later"), at(20, 0))
        .await
        .unwrap();
    jobs::drain(&db.app, &registry(), &context, at(8, 0))
        .await
        .unwrap();

    let count = |job: &str, state| JobCount {
        job: job.into(),
        state,
        count: 1,
    };
    let counts = admin::counts(&mut conn).await.unwrap();
    assert_eq!(
        counts,
        [count("fail", State::Dead), count("say", State::Waiting)]
    );
    let only_dead = Filter {
        state: Some(State::Dead),
        ..Filter::default()
    };
    let rows = admin::list(&mut conn, only_dead, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].id, rows[0].attempts, rows[0].max_attempts),
        (dead, 3, 3)
    );
    assert_eq!(rows[0].last_error.as_deref(), Some("no \"such\" thing"));

    assert!(!admin::retry(&mut conn, dead + 100, at(9, 0)).await.unwrap());
    assert!(admin::retry(&mut conn, dead, at(9, 0)).await.unwrap());
    assert!(
        !admin::retry(&mut conn, dead, at(9, 0)).await.unwrap(),
        "it is no longer dead"
    );
    sqlx::query("update graphile_worker._private_jobs set payload = '{\"how\":\"\",\"until\":1}' where id = $1")
        .bind(dead)
        .execute(&mut *conn)
        .await
        .unwrap();
    let drained = jobs::drain(&db.app, &registry(), &context, at(9, 0))
        .await
        .unwrap();
    assert_eq!(drained.names(), ["fail"]);
    assert_eq!(reports.next().await, "worked 1");
    drop(conn);
    db.drop().await;
}

#[tokio::test]
async fn a_list_is_filtered_and_paged() {
    let db = TestDb::new().await;
    let mut conn = db.conn().await;
    let ids = jobs::enqueue_all(&mut conn, &[say("a"), say("b"), say("c")], at(8, 0))
        .await
        .unwrap();
    jobs::enqueue(
        &mut conn,
        &Fail {
            how: String::new(),
            until: 1,
        },
        at(8, 0),
    )
    .await
    .unwrap();

    let filter = Filter {
        job: Some("say"),
        ..Filter::default()
    };
    let page: Vec<i64> = admin::list(&mut conn, filter, 2)
        .await
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(page, [ids[2], ids[1]]);
    let next = Filter {
        before: Some(ids[1]),
        ..filter
    };
    let page: Vec<i64> = admin::list(&mut conn, next, 2)
        .await
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(page, [ids[0]]);
    drop(conn);
    db.drop().await;
}

#[tokio::test]
async fn a_dead_job_gives_way_to_a_newer_one_of_its_key() {
    let db = TestDb::new().await;
    let mut conn = db.conn().await;
    let old = jobs::enqueue(&mut conn, &say_once("old", "k"), at(8, 0))
        .await
        .unwrap();
    sqlx::query("update graphile_worker._private_jobs set attempts = max_attempts")
        .execute(&mut *conn)
        .await
        .unwrap();
    let new = jobs::enqueue(&mut conn, &say_once("new", "k"), at(9, 0))
        .await
        .unwrap();
    assert_ne!(old, new);

    let states: Vec<_> = db
        .queue()
        .await
        .iter()
        .map(|row| (row.id, row.state))
        .collect();
    assert_eq!(states, [(new, State::Waiting), (old, State::Superseded)]);
    assert!(!admin::retry(&mut conn, old, at(9, 0)).await.unwrap());
    assert_eq!(admin::remove_superseded(&mut conn).await.unwrap(), 1);
    assert_eq!(db.queue().await.len(), 1);
    drop(conn);
    db.drop().await;
}
