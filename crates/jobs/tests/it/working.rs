//! Real workers: they run what is enqueued, keep schedules, stop gracefully and recover the jobs of dead ones.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use jobs::admin::{self, State};
use jobs::{Recovery, Schedule, WorkerBuilder, WorkerError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Context, Fail, PATIENCE, TestDb, Wait, app_pool, at, context, registry, say, say_once,
};

fn worker(db: &TestDb, context: &Context) -> WorkerBuilder<Context> {
    WorkerBuilder::new(
        db.app.clone(),
        registry(),
        context.clone(),
        Arc::new(|| at(8, 0)),
    )
    .concurrency(2)
    .poll_interval(Duration::from_millis(50))
}

struct Running(JoinHandle<Result<(), WorkerError>>, CancellationToken);

fn start(worker: WorkerBuilder<Context>) -> Running {
    let stop = CancellationToken::new();
    Running(tokio::spawn(worker.run(stop.clone())), stop)
}

impl Running {
    async fn stop(self) {
        self.1.cancel();
        tokio::time::timeout(PATIENCE, self.0)
            .await
            .expect("the worker stops")
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn a_committed_job_runs_by_notification() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    // The poll would come too late for the second job.
    let running = start(worker(&db, &context).poll_interval(Duration::from_secs(3600)));
    jobs::enqueue(&mut *db.conn().await, &say("first"), at(8, 0))
        .await
        .unwrap();
    assert_eq!(reports.next().await, "first 1");
    jobs::enqueue(&mut *db.conn().await, &say("second"), at(8, 0))
        .await
        .unwrap();
    assert_eq!(reports.next().await, "second 1");
    db.until(<[_]>::is_empty).await;
    running.stop().await;
    db.drop().await;
}

#[tokio::test]
async fn a_failed_job_is_tried_again() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    let running = start(worker(&db, &context));
    jobs::enqueue(
        &mut *db.conn().await,
        &Fail {
            how: "retry".into(),
            until: 2,
        },
        at(8, 0),
    )
    .await
    .unwrap();
    let waiting = db
        .until(|rows| rows.iter().any(|row| row.state == State::Retrying))
        .await;
    assert_eq!(waiting[0].last_error.as_deref(), Some("not yet"));
    // The wait is seconds long; the test makes it due.
    sqlx::query("update graphile_worker._private_jobs set run_at = now()")
        .execute(&db.app)
        .await
        .unwrap();
    assert_eq!(reports.next().await, "worked 2");
    db.until(<[_]>::is_empty).await;
    running.stop().await;
    db.drop().await;
}

#[tokio::test]
async fn giving_up_makes_a_dead_letter_at_once_and_it_can_be_brought_back() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    let running = start(worker(&db, &context).poll_interval(Duration::from_secs(3600)));
    let id = jobs::enqueue(
        &mut *db.conn().await,
        &Fail {
            how: "give_up".into(),
            until: 2,
        },
        at(8, 0),
    )
    .await
    .unwrap();
    let dead = db
        .until(|rows| rows.iter().any(|row| row.state == State::Dead))
        .await;
    assert_eq!(dead[0].last_error.as_deref(), Some("no \"such\" thing"));

    sqlx::query("update graphile_worker._private_jobs set payload = '{\"how\":\"\",\"until\":1}'")
        .execute(&db.app)
        .await
        .unwrap();
    assert!(
        admin::retry(&mut *db.conn().await, id, at(8, 0))
            .await
            .unwrap()
    );
    assert_eq!(reports.next().await, "worked 1");
    db.until(<[_]>::is_empty).await;
    running.stop().await;
    db.drop().await;
}

#[tokio::test]
async fn a_schedule_enqueues_and_runs() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    let morning = Schedule::new("morning", "0 8 * * *", Tz::UTC, say("morning")).unwrap();
    let running = start(worker(&db, &context).schedules(vec![morning]));
    assert_eq!(reports.next().await, "morning 1");
    running.stop().await;
    db.drop().await;
}

#[tokio::test]
async fn a_stop_lets_running_jobs_finish() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    let running = start(worker(&db, &context));
    jobs::enqueue(&mut *db.conn().await, &Wait { polite: false }, at(8, 0))
        .await
        .unwrap();
    assert_eq!(reports.next().await, "waiting 1");
    running.1.cancel();
    context.gate.notify_one();
    assert_eq!(reports.next().await, "released");
    running.stop().await;
    assert_eq!(db.queue().await, []);
    db.drop().await;
}

#[tokio::test]
async fn a_job_that_outlasts_the_grace_is_given_back() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    // One slot: another, still asking for a job when the stop came, could take what is given back for a moment.
    let one_slot = worker(&db, &context).concurrency(1);
    let running = start(one_slot.grace_period(Duration::from_millis(50)));
    jobs::enqueue(&mut *db.conn().await, &Wait { polite: false }, at(8, 0))
        .await
        .unwrap();
    assert_eq!(reports.next().await, "waiting 1");
    running.stop().await;
    let given_back = db.queue().await;
    assert_eq!(
        (given_back[0].state, given_back[0].attempts),
        (State::Waiting, 0)
    );

    let running = start(worker(&db, &context));
    assert_eq!(reports.next().await, "waiting 1");
    context.gate.notify_one();
    assert_eq!(reports.next().await, "released");
    running.stop().await;
    db.drop().await;
}

#[tokio::test]
async fn a_polite_job_ends_when_its_worker_stops() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    let running = start(worker(&db, &context));
    jobs::enqueue(&mut *db.conn().await, &Wait { polite: true }, at(8, 0))
        .await
        .unwrap();
    assert_eq!(reports.next().await, "waiting 1");
    running.stop().await;
    let retried = db.queue().await;
    assert_eq!(
        (retried[0].state, retried[0].last_error.as_deref()),
        (State::Retrying, Some("stopping"))
    );
    db.drop().await;
}

#[tokio::test]
async fn the_job_of_a_killed_worker_runs_elsewhere() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    jobs::enqueue(&mut *db.conn().await, &Wait { polite: false }, at(8, 0))
        .await
        .unwrap();

    // A runtime of its own, shut down without waiting, dies as a killed process does: nothing is given back.
    let doomed = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (options, doomed_context) = (db.options(), context.clone());
    doomed.spawn(async move {
        let pool = app_pool(&options).await;
        let worker = WorkerBuilder::new(pool, registry(), doomed_context, Arc::new(|| at(8, 0)));
        worker.run(CancellationToken::new()).await
    });
    assert_eq!(reports.next().await, "waiting 1");
    doomed.shutdown_background();
    assert_eq!(db.queue().await[0].state, State::Running);
    assert!(reports.is_empty());

    let recovery = Recovery {
        heartbeat_interval: Duration::from_millis(100),
        sweep_interval: Duration::from_millis(100),
        dead_after: Duration::from_millis(1000),
    };
    let running = start(worker(&db, &context).recovery(recovery));
    let given_back = db.until(|rows| rows[0].state == State::Retrying).await;
    assert_eq!(given_back[0].last_error.as_deref(), Some("the worker died"));
    // The wait is seconds long; the test makes it due.
    sqlx::query("update graphile_worker._private_jobs set run_at = now()")
        .execute(&db.app)
        .await
        .unwrap();
    assert_eq!(reports.next().await, "waiting 2");
    context.gate.notify_one();
    assert_eq!(reports.next().await, "released");
    db.until(<[_]>::is_empty).await;
    running.stop().await;
    db.drop().await;
}

#[tokio::test]
async fn a_job_enqueued_again_while_it_runs_runs_again() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    jobs::enqueue(&mut *db.conn().await, &say_once("one", "k"), at(8, 0))
        .await
        .unwrap();
    sqlx::query(
        "update graphile_worker._private_jobs set locked_by = 'somebody', locked_at = now()",
    )
    .execute(&db.app)
    .await
    .unwrap();
    jobs::enqueue(&mut *db.conn().await, &say_once("two", "k"), at(8, 0))
        .await
        .unwrap();
    let running = start(worker(&db, &context));
    assert_eq!(reports.next().await, "two 1");
    running.stop().await;
    db.drop().await;
}

#[tokio::test]
async fn a_worker_outlives_its_connections() {
    let db = TestDb::new().await;
    let (context, mut reports) = context();
    let running = start(worker(&db, &context));
    jobs::enqueue(&mut *db.conn().await, &say("before"), at(8, 0))
        .await
        .unwrap();
    assert_eq!(reports.next().await, "before 1");
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .execute(&db.owner)
        .await
        .unwrap();
    let mut conn = db.owner.acquire().await.unwrap();
    jobs::enqueue(&mut conn, &say("after"), at(8, 0))
        .await
        .unwrap();
    drop(conn);
    assert_eq!(reports.next().await, "after 1");
    running.stop().await;
    db.drop().await;
}

#[tokio::test]
async fn a_worker_without_tables_says_so() {
    let db = TestDb::new().await;
    let (context, _reports) = context();
    sqlx::query("drop schema graphile_worker cascade")
        .execute(&db.owner)
        .await
        .unwrap();
    let result = worker(&db, &context).run(CancellationToken::new()).await;
    assert!(matches!(result, Err(WorkerError::Start(_))), "{result:?}");
    db.drop().await;
}

#[tokio::test]
async fn a_job_that_kills_its_workers_ends_as_a_dead_letter() {
    let db = TestDb::new().await;
    let (context, reports) = context();
    jobs::enqueue(&mut *db.conn().await, &say("boom"), at(8, 0))
        .await
        .unwrap();
    sqlx::query(
        "update graphile_worker._private_jobs
         set attempts = max_attempts, locked_by = 'a dead worker', locked_at = now() - interval '1 hour'",
    )
    .execute(&db.app)
    .await
    .unwrap();
    let recovery = Recovery {
        sweep_interval: Duration::from_millis(100),
        ..Recovery::default()
    };
    let running = start(worker(&db, &context).recovery(recovery));
    db.until(|rows| rows[0].state == State::Dead).await;
    assert!(reports.is_empty());
    running.stop().await;
    db.drop().await;
}

#[tokio::test]
#[should_panic(expected = "two schedules are named twice")]
async fn schedules_have_names_of_their_own() {
    let (context, _reports) = context();
    let pool = sqlx::PgPool::connect_lazy("postgres://nowhere").unwrap();
    let twice = || Schedule::new("twice", "0 8 * * *", Tz::UTC, say("")).unwrap();
    let _ = WorkerBuilder::new(pool, registry(), context, Arc::new(|| at(8, 0)))
        .schedules(vec![twice(), twice()]);
}
