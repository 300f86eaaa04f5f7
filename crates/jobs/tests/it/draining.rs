//! Draining runs what is due by the caller's clock, in a fixed order, with the same ends as a worker's.

use chrono::TimeDelta;
use jobs::JobError;
use jobs::admin::State;

use crate::support::{Fail, Spawn, TestDb, at, context, registry, say};

#[tokio::test]
async fn what_is_due_runs_with_what_it_enqueues() {
    let db = TestDb::new().await;
    let (mut context, mut reports) = context();
    context.pool = Some(db.app.clone());
    let mut conn = db.conn().await;
    jobs::enqueue(&mut conn, &say("first"), at(8, 0))
        .await
        .unwrap();
    jobs::enqueue(&mut conn, &Spawn, at(8, 30)).await.unwrap();
    jobs::enqueue_at(&mut conn, &say("later"), at(9, 1))
        .await
        .unwrap();
    drop(conn);

    let drained = jobs::drain(&db.app, &registry(), &context, at(9, 0))
        .await
        .unwrap();
    assert_eq!(drained.names(), ["spawn", "say", "say"]);
    assert_eq!(drained.failures().len(), 0);
    assert_eq!(
        [reports.next().await, reports.next().await],
        ["first 1", "spawned 1"]
    );
    assert_eq!(db.queue().await.len(), 1);

    let drained = jobs::drain(&db.app, &registry(), &context, at(9, 1))
        .await
        .unwrap();
    assert_eq!(drained.names(), ["say"]);
    assert_eq!(db.queue().await, []);
    db.drop().await;
}

#[tokio::test]
async fn a_failure_waits_and_then_works() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    let job = Fail {
        how: "retry".into(),
        until: 2,
    };
    jobs::enqueue(&mut *db.conn().await, &job, at(8, 0))
        .await
        .unwrap();

    let drained = jobs::drain(&db.app, &registry(), &context, at(8, 0))
        .await
        .unwrap();
    assert_eq!(drained.runs.len(), 1);
    assert_eq!(drained.runs[0].result, Err(JobError::retry("not yet")));
    assert!(!drained.runs[0].dead);
    let waiting = db.queue().await;
    assert_eq!(waiting[0].state, State::Retrying);
    assert_eq!(waiting[0].last_error.as_deref(), Some("not yet"));
    assert!(waiting[0].run_at > at(8, 0) && waiting[0].run_at < at(8, 0) + TimeDelta::seconds(4));

    let drained = jobs::drain(&db.app, &registry(), &context, at(8, 1))
        .await
        .unwrap();
    assert_eq!(drained.failures(), [] as [&jobs::drain::Ran; 0]);
    assert_eq!(reports.next().await, "worked 2");
    assert_eq!(db.queue().await, []);
    db.drop().await;
}

#[tokio::test]
async fn panics_and_used_up_attempts_end_as_dead_letters() {
    let db = TestDb::new().await;
    let (context, _reports) = context();
    jobs::enqueue(
        &mut *db.conn().await,
        &Fail {
            how: "panic".into(),
            until: 99,
        },
        at(8, 0),
    )
    .await
    .unwrap();
    for hour in 8..11 {
        let drained = jobs::drain(&db.app, &registry(), &context, at(hour, 0))
            .await
            .unwrap();
        assert_eq!(drained.runs.len(), 1);
        assert_eq!(drained.runs[0].dead, hour == 10);
    }
    assert_eq!(
        jobs::drain(&db.app, &registry(), &context, at(23, 0))
            .await
            .unwrap()
            .runs,
        []
    );
    let dead = db.queue().await;
    assert_eq!(dead[0].state, State::Dead);
    assert_eq!(
        dead[0].last_error.as_deref(),
        Some("panicked: at the disco")
    );
    db.drop().await;
}

#[tokio::test]
async fn an_unreadable_payload_is_given_up() {
    let db = TestDb::new().await;
    let (context, _reports) = context();
    sqlx::query("select graphile_worker.add_job('say', '{\"words\":1}', run_at => $1)")
        .bind(at(8, 0))
        .execute(&db.app)
        .await
        .unwrap();
    let drained = jobs::drain(&db.app, &registry(), &context, at(8, 0))
        .await
        .unwrap();
    assert!(drained.runs[0].dead);
    assert!(
        matches!(&drained.runs[0].result, Err(JobError::GiveUp(text)) if text.starts_with("unreadable payload"))
    );
    db.drop().await;
}
