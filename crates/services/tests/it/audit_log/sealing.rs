//! Entries become links of one chain: all of them, none twice, soon.

use std::sync::Arc;
use std::time::Duration;

use domain::audit::{Action, ObjectKind};
use futures_util::future::join_all;
use services::audit_log::seal::{keep_sealing, seal};
use services::audit_log::{Anchors, Entry, check_log, record};
use services::transaction;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::error::StoreError;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Scene, count, write};
use test_kit::TestApp;

#[tokio::test]
async fn what_is_written_is_sealed_in_order_and_found_sound() {
    let scene = Scene::begin().await;
    let ctx = &scene.app.context;
    let report = scene.check().await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!(report.sealed, count(ctx, "audit_log").await);
    assert_eq!((report.waiting, report.ends_at), (0, report.sealed));
    assert_eq!(
        report.anchored.map(|head| head.sequence),
        Some(report.sealed)
    );
    write(ctx, 9).await.unwrap();
    let report = scene.check().await;
    assert!(
        report.is_clean(),
        "what waits is no difference: {report:#?}"
    );
    assert_eq!(report.waiting, 1);
}

#[tokio::test]
async fn entries_that_commit_late_are_sealed_all_and_once() {
    let app = TestApp::start().await;
    let neighbour = app.neighbour().await;
    let gate = Arc::new(Semaphore::new(0));
    // These take their identifiers first and commit last.
    let late: Vec<_> = (0..3)
        .map(|n| {
            let (ctx, gate) = (app.context.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                let input = (ctx.clone(), gate);
                transaction::run(&ctx, input, move |conn, (ctx, gate)| {
                    Box::pin(async move {
                        let entry = Entry::of(Action::RuleAdd, ObjectKind::Rule).id(n);
                        record(conn, ctx, entry).await?;
                        let _passed = gate.acquire().await;
                        Ok::<_, StoreError>(())
                    })
                })
                .await
            })
        })
        .collect();
    let writers = (0..200).map(|n| {
        let ctx = app.context.clone();
        tokio::spawn(async move { write(&ctx, n).await })
    });
    let writers: Vec<_> = writers.collect();
    // Two nodes seal meanwhile.
    let (here, there) = (app.context.clone(), neighbour.clone());
    let sealing = async {
        for _ in 0..30 {
            let (one, other) = tokio::join!(seal(&here), seal(&there));
            one.unwrap();
            other.unwrap();
        }
    };
    let (written, ()) = tokio::join!(join_all(writers), sealing);
    for done in written {
        done.unwrap().unwrap();
    }
    while seal(&here).await.unwrap() > 0 {}
    assert_eq!(count(&here, "audit_unsealed").await, 0);
    gate.add_permits(3);
    for done in join_all(late).await {
        done.unwrap().unwrap();
    }
    while seal(&there).await.unwrap() > 0 {}

    let entries = count(&here, "audit_log").await;
    assert!(entries >= 203);
    assert_eq!(count(&here, "audit_chain").await, entries);
    assert_eq!(count(&here, "audit_unsealed").await, 0);
    let report = check_log(&here, &Anchors::None, 10).await.unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.sealed, report.ends_at), (entries, entries));
    neighbour.close().await;
}

#[tokio::test]
async fn a_worker_seals_within_half_a_minute_and_once_more_when_it_stops() {
    let scene = Scene::begin().await;
    let (app, stop) = (&scene.app, CancellationToken::new());
    write(&app.context, 10).await.unwrap();
    app.advance(Duration::from_secs(5));
    stop.cancel();
    keep_sealing(app.context.clone(), stop).await;
    let lag: f64 = sqlx::query_scalar(
        "select max(extract(epoch from c.sealed_at - l.recorded_at))::float8
         from audit_chain c join audit_log l on l.id = c.entry_id where l.object_id = '10'",
    )
    .fetch_one(app.context.pool())
    .await
    .unwrap();
    assert!((0.0..30.0).contains(&lag), "{lag} s");
    assert_eq!(count(&app.context, "audit_unsealed").await, 0);
}

#[tokio::test]
async fn there_is_one_chain_and_nobody_rewrites_it() {
    let scene = Scene::begin().await;
    let mut program = scene.app.context.connection().await.unwrap();
    let mut owner = PgConnection::connect(&scene.app.database_url())
        .await
        .unwrap();
    for table in ["audit_log", "audit_chain"] {
        for statement in [
            format!(
                "update {table} set {0} = {0}",
                if table == "audit_log" {
                    "action"
                } else {
                    "hash"
                }
            ),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            for (conn, code) in [(&mut *program, "42501"), (&mut owner, "23001")] {
                let done = sqlx::query(AssertSqlSafe(statement.clone()))
                    .execute(conn)
                    .await;
                let error = done.unwrap_err().into_database_error().unwrap();
                assert_eq!(error.code().as_deref(), Some(code), "{statement}");
            }
        }
    }
    // A second link after the same one, and a second beginning.
    for previous in ["previous_hash", "decode(repeat('00', 32), 'hex')"] {
        let fork = format!(
            "insert into audit_chain select sequence + 100, gen_random_uuid(), {previous}, hash, sealed_at
             from audit_chain order by sequence desc limit 1"
        );
        let done = sqlx::query(AssertSqlSafe(fork))
            .execute(&mut *program)
            .await;
        let error = done.unwrap_err().into_database_error().unwrap();
        assert!(
            matches!(error.code().as_deref(), Some("23505" | "23514")),
            "{error}"
        );
    }
}
