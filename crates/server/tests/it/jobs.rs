//! The lists of jobs and schedules are whole: what the clock starts is known, runs, and does what it is for.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono_tz::Tz;
use jobs::schedule::{self, Schedule};
use server::{job_registry, schedules};
use test_kit::TestApp;

fn all() -> Vec<Schedule> {
    let zone: Tz = "Europe/Moscow".parse().unwrap();
    schedules::all(zone).unwrap()
}

#[test]
fn every_schedule_has_a_name_of_its_own_and_a_job_that_is_registered() {
    let registry = job_registry::all();
    let known: BTreeSet<&str> = registry.names().collect();
    let schedules = all();
    for schedule in &schedules {
        assert!(known.contains(schedule.job()), "{}", schedule.name());
    }
    let names: BTreeSet<&str> = schedules.iter().map(Schedule::name).collect();
    assert_eq!(names.len(), schedules.len());
}

#[tokio::test]
async fn a_day_by_the_clock_runs_every_schedule() {
    let app = TestApp::start().await;
    let (ctx, schedules, registry) = (app.context.clone(), all(), job_registry::all());
    let mut ran = BTreeSet::new();
    // The first look learns the schedules; from then on each hour is looked at once.
    for _ in 0..=25 {
        let mut conn = ctx.connection().await.unwrap();
        schedule::tick(&mut conn, &schedules, app.now())
            .await
            .unwrap();
        drop(conn);
        let drained = jobs::drain(ctx.pool(), &registry, &ctx, app.now());
        let drained = drained.await.unwrap();
        assert!(drained.failures().is_empty(), "{:?}", drained.failures());
        ran.extend(drained.names());
        app.advance(Duration::from_secs(3_600));
    }
    let expected: BTreeSet<&str> = schedules.iter().map(Schedule::job).collect();
    assert_eq!(ran, expected);
    let audits: (i64, i64) =
        sqlx::query_as("select count(*), coalesce(sum(differences), 0)::bigint from audit_runs")
            .fetch_one(ctx.pool())
            .await
            .unwrap();
    assert_eq!(audits, (1, 0));
}
