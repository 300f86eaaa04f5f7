//! The jobs by the clock: points activate and expire, holds lapse, the night's audit is kept.

use chrono::TimeDelta;
use jobs::Registry;
use services::audit::nightly_audit::NightlyAudit;
use services::audit::{AuditError, CheckLedgerError, audit_and_keep, check_ledger};
use services::caller::AccessError;
use services::context::Context;
use services::housekeeping::forget_idempotency_keys::ForgetIdempotencyKeys;
use services::housekeeping::forget_member_codes::ForgetMemberCodes;
use services::housekeeping::forget_outbox_events::ForgetOutboxEvents;
use services::loyalty::advance_on_time::AdvanceWallets;
use sqlx::{Connection as _, PgConnection};

use super::workload::{DAY, HOUR, Scene, admin};
use domain::loyalty::purchase::Spend;

fn registry() -> Registry<Context> {
    Registry::new()
        .job::<AdvanceWallets>()
        .job::<ForgetIdempotencyKeys>()
        .job::<ForgetMemberCodes>()
        .job::<ForgetOutboxEvents>()
        .job::<NightlyAudit>()
}

async fn drain(ctx: &Context) -> Vec<&'static str> {
    let drained = jobs::drain(ctx.pool(), &registry(), ctx, ctx.clock().now())
        .await
        .unwrap();
    assert!(drained.failures().is_empty(), "{:?}", drained.failures());
    drained.names()
}

async fn enqueue<J: jobs::Job>(ctx: &Context, job: J) {
    let now = ctx.clock().now();
    jobs::enqueue(&mut ctx.connection().await.unwrap(), &job, now)
        .await
        .unwrap();
}

async fn wallet(scene: &Scene) -> (i64, i64, i64) {
    sqlx::query_as("select available, pending, held from wallets where member_id = $1")
        .bind(scene.anna.as_uuid())
        .fetch_one(scene.app.context.pool())
        .await
        .unwrap()
}

async fn count(ctx: &Context, table: &'static str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(ctx.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn time_passes_by_jobs_alone() {
    let mut scene = Scene::begin().await;
    let (ctx, cafe, anna) = (scene.app.context.clone(), scene.cafe.clone(), scene.anna);
    scene
        .buy(&cafe, anna, &[("general", 100_000)], Spend::Nothing)
        .await;
    assert_eq!(wallet(&scene).await, (0, 5_700, 0));
    enqueue(&ctx, AdvanceWallets).await;
    drain(&ctx).await;
    assert_eq!(wallet(&scene).await, (0, 5_700, 0));

    scene.app.advance(DAY);
    enqueue(&ctx, AdvanceWallets).await;
    drain(&ctx).await;
    assert_eq!(wallet(&scene).await, (5_700, 0, 0));

    scene.hold(&cafe, anna, 20).await;
    assert_eq!(wallet(&scene).await, (3_700, 0, 2_000));
    scene.app.advance(HOUR);
    enqueue(&ctx, AdvanceWallets).await;
    enqueue(&ctx, AdvanceWallets).await;
    assert_eq!(drain(&ctx).await.len(), 1, "equal jobs are one");
    assert_eq!(wallet(&scene).await, (5_700, 0, 0));

    scene.app.advance(40 * DAY);
    enqueue(&ctx, AdvanceWallets).await;
    drain(&ctx).await;
    assert_eq!(wallet(&scene).await, (0, 0, 0));
    super::clean::assert_clean(&ctx, "after the last expiry").await;
}

#[tokio::test]
async fn the_nightly_audit_is_kept_and_shown() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    scene.first_days().await;
    enqueue(&ctx, NightlyAudit).await;
    drain(&ctx).await;
    let kept = check_ledger(&ctx, &admin(), false).await.unwrap();
    assert_eq!((kept.differences, kept.named.len()), (0, 0));
    assert!(kept.totals.entries > 0);

    let mut owner = PgConnection::connect(&scene.app.database_url())
        .await
        .unwrap();
    sqlx::query("update lots set remaining = remaining - 1 where open")
        .execute(&mut owner)
        .await
        .unwrap();
    let old = check_ledger(&ctx, &admin(), false).await.unwrap();
    assert_eq!(old, kept, "shown as it was kept");
    scene.app.advance(HOUR);
    let fresh = check_ledger(&ctx, &admin(), true).await.unwrap();
    assert!(fresh.differences > 0 && fresh.named.iter().all(|d| d.check == "lot_balance"));
    assert_eq!(check_ledger(&ctx, &admin(), false).await.unwrap(), fresh);
    assert_eq!(count(&ctx, "audit_runs").await, 2);
}

#[tokio::test]
async fn only_an_admin_asks_and_one_at_a_time() {
    let scene = Scene::begin().await;
    let ctx = &scene.app.context;
    let mut nobody = admin();
    nobody.roles = vec![domain::rights::OperatorRole::Support];
    let refused = check_ledger(ctx, &nobody, true).await;
    assert!(matches!(
        refused,
        Err(CheckLedgerError::Access(AccessError::Forbidden))
    ));
    let mut other = PgConnection::connect(&scene.app.database_url())
        .await
        .unwrap();
    sqlx::query("select pg_advisory_lock(7120115, 1)")
        .execute(&mut other)
        .await
        .unwrap();
    assert!(matches!(
        audit_and_keep(ctx).await,
        Err(AuditError::Running)
    ));
    sqlx::query("select pg_advisory_unlock_all()")
        .execute(&mut other)
        .await
        .unwrap();
    other.close().await.unwrap();
    // Without a run before, the first question makes one.
    let first = check_ledger(ctx, &admin(), false).await.unwrap();
    assert_eq!(first.differences, 0);
}

#[tokio::test]
async fn what_was_kept_for_a_time_is_forgotten() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    scene.first_days().await;
    let (answers, events) = (
        count(&ctx, "kept_answers").await,
        count(&ctx, "outbox_events").await,
    );
    assert!(answers > 0 && events > 0);
    let forget = async |ctx: &Context| {
        enqueue(ctx, ForgetIdempotencyKeys).await;
        enqueue(ctx, ForgetMemberCodes).await;
        enqueue(ctx, ForgetOutboxEvents).await;
        assert_eq!(drain(ctx).await.len(), 3);
    };
    scene.app.advance(12 * DAY);
    forget(&ctx).await;
    assert_eq!(count(&ctx, "kept_answers").await, answers);
    assert_eq!(count(&ctx, "outbox_events").await, events);
    scene.app.advance(20 * DAY);
    forget(&ctx).await;
    assert_eq!(count(&ctx, "kept_answers").await, 0);
    // Events go with their partition, fourteen days after its end.
    let month = super::months::future(&ctx).await;
    ctx.clock()
        .set(super::months::noon(month) + TimeDelta::days(14));
    forget(&ctx).await;
    assert_eq!(count(&ctx, "outbox_events").await, 0);
}
