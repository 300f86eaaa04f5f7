//! The tables by month: months are made while purchases are posted, rows that came too early move, old months go.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};
use domain::loyalty::purchase::Spend;
use jobs::Registry;
use services::context::Context;
use services::housekeeping::forget_outbox_events::ForgetOutboxEvents;
use services::housekeeping::maintain_partitions::{
    self, AHEAD, DetachError, MaintainPartitions, detach, make,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::partitions::{ALL, Partition};

use super::clean::assert_clean;
use super::workload::Scene;

pub fn noon(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(12, 0, 0).unwrap().and_utc()
}

/// The first month that has no partition of its own yet.
pub async fn future(ctx: &Context) -> NaiveDate {
    let all = maintain_partitions::list(ctx).await.unwrap();
    let future = |part: &&Partition| part.table == "purchases" && part.until.is_none();
    all.iter().find(future).unwrap().from.unwrap()
}

async fn buy(scene: &mut Scene) {
    let (cafe, anna) = (scene.cafe.clone(), scene.anna);
    scene
        .buy(&cafe, anna, &[("general", 10_000)], Spend::Nothing)
        .await;
}

/// How many rows each partition holds that holds any.
async fn rows(conn: &mut PgConnection, table: &str) -> Vec<(String, i64)> {
    let sql =
        format!("select tableoid::regclass::text, count(*) from {table} group by 1 order by 1");
    sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(conn)
        .await
        .unwrap()
}

async fn all_rows(conn: &mut PgConnection) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in ALL {
        counts.push(rows(conn, table).await.iter().map(|(_, n)| n).sum());
    }
    counts
}

async fn code_of(conn: &mut PgConnection, statement: String) -> Option<String> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(conn).await;
    let error = done.err()?.into_database_error()?;
    error.code().map(std::borrow::Cow::into_owned)
}

async fn owner(scene: &Scene) -> PgConnection {
    PgConnection::connect(&scene.app.database_url())
        .await
        .unwrap()
}

async fn run<J: jobs::Job + jobs::Handler<Context>>(ctx: &Context, job: J) {
    let now = ctx.clock().now();
    jobs::enqueue(&mut ctx.connection().await.unwrap(), &job, now)
        .await
        .unwrap();
    let drained = jobs::drain(ctx.pool(), &Registry::new().job::<J>(), ctx, now)
        .await
        .unwrap();
    assert!(drained.failures().is_empty(), "{:?}", drained.failures());
}

fn name(table: &str, month: NaiveDate) -> String {
    format!("{table}_{}", month.format("%Y_%m"))
}

#[tokio::test]
async fn rows_that_came_before_their_month_move_into_it() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    let mut owner = owner(&scene).await;
    let first = future(&ctx).await;
    for months in [0, 1, 4, 6] {
        ctx.clock()
            .set(noon(first + Months::new(months) + Days::new(9)));
        buy(&mut scene).await;
    }
    let before = all_rows(&mut owner).await;
    assert_eq!(
        rows(&mut owner, "purchases").await,
        [("purchases_future".to_owned(), 4)]
    );

    // As if a clock had run ahead: this is the second month.
    ctx.clock()
        .set(noon(first + Months::new(1) + Days::new(20)));
    run(&ctx, MaintainPartitions).await;
    let late = format!(
        "{}_to_{}",
        name("purchases", first),
        (first + Months::new(1)).format("%Y_%m")
    );
    let expected = [
        (late, 2),
        (name("purchases", first + Months::new(4)), 1),
        ("purchases_future".to_owned(), 1),
    ];
    assert_eq!(rows(&mut owner, "purchases").await, expected);
    assert_eq!(all_rows(&mut owner).await, before);
    let listed = maintain_partitions::list(&ctx).await.unwrap();
    let waiting: Vec<_> = listed.iter().filter(|part| part.until.is_none()).collect();
    assert_eq!(waiting.len(), ALL.len());
    assert!(
        waiting
            .iter()
            .all(|part| part.rows > Some(0) && part.bytes > 0),
        "{waiting:?}"
    );
    assert_eq!(future(&ctx).await, first + Months::new(5));

    ctx.clock()
        .set(noon(first + Months::new(6) + Days::new(10)));
    run(&ctx, MaintainPartitions).await;
    let listed = maintain_partitions::list(&ctx).await.unwrap();
    assert!(
        listed
            .iter()
            .all(|part| part.until.is_some() || part.rows == Some(0)),
        "{listed:?}"
    );
    assert_eq!(
        make(&ctx, AHEAD).await.unwrap(),
        Vec::<String>::new(),
        "nothing is missing"
    );
    assert_eq!(all_rows(&mut owner).await, before);
    assert_clean(&ctx, "after the months were made").await;
}

#[tokio::test]
async fn on_sundays_the_planner_looks_at_whole_tables() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    buy(&mut scene).await;
    let mut owner = owner(&scene).await;
    let today = ctx.clock().now().date_naive();
    let to_sunday = 7 - u64::from(today.weekday().num_days_from_sunday());
    let sunday = today + Days::new(to_sunday);
    assert_eq!(sunday.weekday(), Weekday::Sun);
    for (day, expected) in [(sunday - Days::new(1), 0), (sunday, 4)] {
        ctx.clock().set(noon(day));
        run(&ctx, MaintainPartitions).await;
        let known: i64 = sqlx::query_scalar(
            "select count(distinct tablename) from pg_stats where inherited and tablename = any($1)",
        )
        .bind(ALL.map(str::to_owned).to_vec())
        .fetch_one(&mut owner)
        .await
        .unwrap();
        assert_eq!(known, expected, "{day}");
    }
}

#[tokio::test]
async fn months_are_made_while_purchases_are_posted() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    let first = future(&ctx).await;
    ctx.clock().set(noon(first + Months::new(1)));
    let making = async {
        for ahead in 0..12 {
            assert_eq!(
                make(&ctx, ahead).await.unwrap().len(),
                if ahead == 0 { 4 } else { ALL.len() }
            );
        }
    };
    let buying = async {
        for _ in 0..40 {
            buy(&mut scene).await;
        }
    };
    tokio::join!(making, buying);
    let mut owner = owner(&scene).await;
    let found = rows(&mut owner, "purchases").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1, 40);
    assert_clean(&ctx, "after the months were made").await;
}

#[tokio::test]
async fn new_months_are_as_safe_as_the_first() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    let first = future(&ctx).await;
    ctx.clock().set(noon(first));
    make(&ctx, AHEAD).await.unwrap();
    buy(&mut scene).await;
    let mut owner = owner(&scene).await;
    let mut program = ctx.connection().await.unwrap();
    for table in ["purchases", "journals", "ledger_entries"] {
        let part = name(table, first);
        for statement in [format!("delete from {part}"), format!("truncate {part}")] {
            assert_eq!(
                code_of(&mut owner, statement.clone()).await.unwrap(),
                "23001",
                "{statement}"
            );
            assert_eq!(
                code_of(&mut program, statement.clone()).await.unwrap(),
                "42501",
                "{statement}"
            );
        }
    }
    for (statement, code) in [
        (
            format!("drop table {}", name("outbox_events", first)),
            "42501",
        ),
        ("delete from outbox_events".to_owned(), "42501"),
        (
            "select detach_months('journals', month_bound('2100-01-01'))".to_owned(),
            "42501",
        ),
        (
            "select make_months('members', '2100-01-01', 1)".to_owned(),
            "42P01",
        ),
        ("select analyze_months('members')".to_owned(), "42P01"),
        (
            "select make_months('journals', '2100-01-01', 25)".to_owned(),
            "22023",
        ),
        (
            "select make_months('journals', '2100-01-01', null)".to_owned(),
            "22023",
        ),
    ] {
        assert_eq!(
            code_of(&mut program, statement.clone()).await.as_deref(),
            Some(code),
            "{statement}"
        );
    }
}

#[tokio::test]
async fn old_months_are_detached_whole() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    scene.first_days().await;
    let first = future(&ctx).await;
    ctx.clock().set(noon(first));
    make(&ctx, AHEAD).await.unwrap();
    buy(&mut scene).await;
    ctx.clock().set(noon(first + Months::new(4)));
    let refused = detach(&ctx, first + Months::new(3)).await;
    assert!(
        matches!(refused, Err(DetachError::StillNeeded { latest }) if latest == first + Months::new(2)),
        "{refused:?}"
    );
    let mut owner = owner(&scene).await;
    let before: Vec<i64> = all_rows(&mut owner).await;
    let gone = detach(&ctx, first + Months::new(1)).await.unwrap();
    let old = format!("purchases_before_{}", first.format("%Y_%m"));
    assert_eq!(gone[..2], [old.clone(), name("purchases", first)]);
    assert_eq!(gone.len(), 6);
    // Events are not for the archive.
    assert_eq!(all_rows(&mut owner).await, [0, 0, 0, before[3]]);
    let kept: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "select (select count(*) from {old}) + (select count(*) from {})",
        name("purchases", first)
    )))
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!(kept, before[0]);
    assert_eq!(code_of(&mut owner, format!("drop table {old}")).await, None);
    let again = detach(&ctx, first + Months::new(1)).await.unwrap();
    assert_eq!(again, Vec::<String>::new());
}

#[tokio::test]
async fn events_are_forgotten_by_the_month() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    let mut owner = owner(&scene).await;
    buy(&mut scene).await;
    let first = future(&ctx).await;
    ctx.clock().set(noon(first));
    make(&ctx, AHEAD).await.unwrap();
    buy(&mut scene).await;
    let month = name("outbox_events", first);
    let both = [(month.clone(), 1), ("outbox_events_first".to_owned(), 1)];
    assert_eq!(rows(&mut owner, "outbox_events").await, both);

    let fourteen_days_later = noon(first) - TimeDelta::hours(12) + TimeDelta::days(14);
    ctx.clock()
        .set(fourteen_days_later - TimeDelta::milliseconds(1));
    run(&ctx, ForgetOutboxEvents).await;
    assert_eq!(rows(&mut owner, "outbox_events").await, both);
    ctx.clock().set(fourteen_days_later);
    for _ in 0..2 {
        run(&ctx, ForgetOutboxEvents).await;
        assert_eq!(
            rows(&mut owner, "outbox_events").await,
            [(month.clone(), 1)]
        );
    }
    ctx.clock().set(fourteen_days_later + TimeDelta::days(31));
    run(&ctx, ForgetOutboxEvents).await;
    assert_eq!(rows(&mut owner, "outbox_events").await, []);
}

#[tokio::test]
async fn there_is_a_way_back_and_forth_again() {
    let mut scene = Scene::begin().await;
    let ctx = scene.app.context.clone();
    scene.first_days().await;
    let first = future(&ctx).await;
    ctx.clock().set(noon(first + Months::new(1)));
    make(&ctx, AHEAD).await.unwrap();
    buy(&mut scene).await;
    let mut conn = owner(&scene).await;
    let before = all_rows(&mut conn).await;
    let pool = store::pool::connect_as_owner(&scene.app.database_url())
        .await
        .unwrap();
    store::migrate::to(&pool, 10).await.unwrap();
    assert_eq!(all_rows(&mut conn).await, before);
    assert_eq!(rows(&mut conn, "journals").await.len(), 1);
    let refused = code_of(&mut conn, "delete from journals".to_owned()).await;
    assert_eq!(refused.as_deref(), Some("23001"));
    store::migrate::up(&pool).await.unwrap();
    pool.close().await;
    assert_eq!(all_rows(&mut conn).await, before);
    assert_eq!(rows(&mut conn, "journals").await[0].0, "journals_first");
    buy(&mut scene).await;
    assert_clean(&ctx, "after the way back and forth").await;
}
