//! Schedules enqueue once per due time, in their zone, and make a missed time good.

use chrono::{TimeDelta, TimeZone as _, Utc};
use chrono_tz::{Europe, Tz};
use jobs::{InvalidSchedule, Schedule, schedule};

use crate::support::{TestDb, at, say};

fn nightly(zone: Tz) -> Schedule {
    Schedule::new("nightly", "0 3 * * *", zone, say("night")).unwrap()
}

#[tokio::test]
async fn a_due_schedule_enqueues_once_for_all_workers() {
    let db = TestDb::new().await;
    let mut conn = db.conn().await;
    let mut other = db.conn().await;
    let schedules = [
        nightly(Tz::UTC),
        Schedule::new("hourly", "0 * * * *", Tz::UTC, say("hour")).unwrap(),
    ];
    // Seen for the first time: what was due before does not count.
    assert_eq!(
        schedule::tick(&mut conn, &schedules, at(2, 30))
            .await
            .unwrap(),
        [""; 0]
    );
    assert_eq!(
        schedule::tick(&mut conn, &schedules, at(2, 59))
            .await
            .unwrap(),
        [""; 0]
    );

    let (one, two) = tokio::join!(
        schedule::tick(&mut conn, &schedules, at(3, 0)),
        schedule::tick(&mut other, &schedules, at(3, 0))
    );
    let mut ran = [one.unwrap(), two.unwrap()].concat();
    ran.sort_unstable();
    assert_eq!(ran, ["hourly", "nightly"]);
    let queue = db.queue().await;
    assert_eq!(queue.len(), 2);
    assert!(queue.iter().all(|row| row.run_at == at(3, 0)));

    let rows = schedule::list(&mut conn, &schedules, at(3, 5))
        .await
        .unwrap();
    assert_eq!(
        (rows[0].name, rows[0].job, rows[0].last_run),
        ("nightly", "say", Some(at(3, 0)))
    );
    assert_eq!(rows[0].next_run, Some(at(3, 0) + TimeDelta::days(1)));
    assert_eq!(rows[1].next_run, Some(at(4, 0)));
    drop((conn, other));
    db.drop().await;
}

#[tokio::test]
async fn a_missed_time_is_made_good_once_within_a_day() {
    let db = TestDb::new().await;
    let mut conn = db.conn().await;
    let hourly = [Schedule::new("hourly", "0 * * * *", Tz::UTC, say("hour")).unwrap()];
    schedule::tick(&mut conn, &hourly, at(2, 30)).await.unwrap();
    assert_eq!(
        schedule::tick(&mut conn, &hourly, at(9, 40)).await.unwrap(),
        ["hourly"]
    );
    assert_eq!(
        schedule::tick(&mut conn, &hourly, at(9, 41)).await.unwrap(),
        [""; 0]
    );
    assert_eq!(db.queue().await[0].run_at, at(9, 0));

    let weekly = [Schedule::new("weekly", "0 12 * * 0", Tz::UTC, say("week")).unwrap()];
    // 2024-03-12 is a Tuesday: Sunday the 17th is missed by more than a day.
    schedule::tick(&mut conn, &weekly, at(2, 30)).await.unwrap();
    assert_eq!(
        schedule::tick(&mut conn, &weekly, at(13, 0) + TimeDelta::days(6))
            .await
            .unwrap(),
        [""; 0]
    );
    let sunday = at(12, 0) + TimeDelta::days(12);
    assert_eq!(
        schedule::tick(&mut conn, &weekly, sunday).await.unwrap(),
        ["weekly"]
    );
    drop(conn);
    db.drop().await;
}

#[tokio::test]
async fn a_failing_enqueue_leaves_the_schedule_due() {
    let db = TestDb::new().await;
    let mut conn = db.conn().await;
    let schedules = [nightly(Tz::UTC)];
    schedule::tick(&mut conn, &schedules, at(2, 30))
        .await
        .unwrap();
    sqlx::query(
        "alter table graphile_worker._private_jobs add constraint closed check (false) not valid",
    )
    .execute(&db.owner)
    .await
    .unwrap();
    assert!(
        schedule::tick(&mut conn, &schedules, at(3, 0))
            .await
            .is_err()
    );
    sqlx::query("alter table graphile_worker._private_jobs drop constraint closed")
        .execute(&db.owner)
        .await
        .unwrap();
    assert_eq!(
        schedule::tick(&mut conn, &schedules, at(3, 1))
            .await
            .unwrap(),
        ["nightly"]
    );
    drop(conn);
    db.drop().await;
}

#[test]
fn expressions_are_read_in_their_zone() {
    let moscow = nightly(Europe::Moscow);
    assert_eq!(
        moscow.next_run(at(8, 0)),
        Some(at(0, 0) + TimeDelta::days(1))
    );
    // In Berlin, 02:30 does not exist on 31 March 2024 and exists twice on 27 October 2024.
    let berlin = Schedule::new("early", "30 2 * * *", Europe::Berlin, say("early")).unwrap();
    let day = |month, day, hour| Utc.with_ymd_and_hms(2024, month, day, hour, 0, 0).unwrap();
    let in_the_gap = berlin.next_run(day(3, 30, 12)).unwrap();
    assert!(
        in_the_gap >= day(3, 31, 1) && in_the_gap < day(3, 31, 2),
        "{in_the_gap}"
    );
    let first = berlin.next_run(day(10, 26, 12)).unwrap();
    let second = berlin.next_run(first).unwrap();
    assert!(second - first >= TimeDelta::hours(24), "{first} {second}");
}

#[test]
fn a_bad_expression_names_itself() {
    for expression in [
        "",
        "60 * * * *",
        "* * * *",
        "0 0 3 * * *",
        "0 3 31 2 *",
        "every day",
    ] {
        let refused =
            Schedule::new("odd", expression, Tz::UTC, say("")).map(|schedule| schedule.name());
        assert!(
            matches!(
                refused,
                Err(InvalidSchedule::Expression { name: "odd", .. })
            ),
            "{expression}: {refused:?}"
        );
    }
}
