//! An import that is stopped, fails or is worked on twice ends at the same state as one that nothing disturbed.

use services::context::Context;
use services::imports::run::{RunEnd, RunError, run};
use services::imports::{ImportFormat, ImportState};
use sqlx::PgPool;
use store::imports::WorkLock;
use tokio_util::sync::CancellationToken;

use super::{count, counts, file_of, import, options, sold, upload, work};
use crate::kit;

const ROWS: usize = 1_700;

/// The file with some rows that can't be posted.
fn file() -> String {
    let mut file = file_of(ROWS);
    file.insert_str(
        file.find("r-600,").unwrap(),
        "broken\nr-5,2026-02-01,client-5,5.05\n",
    );
    file
}

async fn owner(app: &test_kit::TestApp) -> PgPool {
    store::pool::connect_as_owner(&app.database_url())
        .await
        .unwrap()
}

async fn set_trap(pool: &PgPool) {
    for statement in [
        "create function trap() returns trigger language plpgsql as
         $$begin if new.receipt_number = 'r-1200' then raise 'trapped'; end if; return new; end$$",
        "create trigger trap before insert on purchases for each row execute function trap()",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}

#[tokio::test]
async fn after_a_stop_and_after_a_failure_it_goes_on_where_it_was() {
    let app = kit::start().await;
    let ctx = &app.context;
    let calm = kit::business(ctx, "calm", None).await;
    let expected = import(ctx, calm, file().as_bytes()).await;
    assert_eq!(counts(&expected), (1702, 1700, 1, 1));

    let stormy = kit::business(ctx, "stormy", None).await;
    let received = upload(
        ctx,
        stormy,
        options(ImportFormat::Csv, false),
        file().as_bytes(),
    )
    .await;
    let id = received.unwrap().id;
    let stop = CancellationToken::new();
    let stopped = run(ctx, id, &stop, |_| stop.cancel()).await.unwrap();
    assert!(
        matches!(&stopped, RunEnd::Stopped(import) if import.rows == 500 && import.state == ImportState::Running)
    );

    let owner = owner(&app).await;
    set_trap(&owner).await;
    let mut seen = Vec::new();
    let failed = run(ctx, id, &CancellationToken::new(), |import| {
        seen.push(import.rows)
    })
    .await;
    assert!(matches!(failed, Err(RunError::Store(_))), "{failed:?}");
    assert_eq!(seen, [1000], "the group with the trap was not kept");
    // The other rows were posted, though no place says so yet: the next worker finds them by what they carry.
    assert_eq!(sold(ctx, stormy).await.len(), 1699);
    sqlx::query("drop trigger trap on purchases")
        .execute(&owner)
        .await
        .unwrap();

    let done = work(ctx, id).await;
    assert_eq!(counts(&done), counts(&expected));
    assert_eq!(done.money, expected.money);
    // The row with the trap came after later ones of its member, who were in a higher tier by then: the purchases are
    // the same, and what they earned is what was counted.
    let sold_to = |rows: Vec<(String, String, i64, i64)>| -> Vec<(String, String, i64)> {
        rows.into_iter()
            .map(|(receipt, name, total, _)| (receipt, name, total))
            .collect()
    };
    let (here, there) = (sold(ctx, stormy).await, sold(ctx, calm).await);
    let earned: i64 = here.iter().map(|(.., points)| points).sum();
    assert_eq!(earned, done.points.hundredths());
    assert_eq!(sold_to(here), sold_to(there));
    assert_eq!(
        services::audit::audit(ctx, 10).await.unwrap().differences,
        0
    );
    assert_eq!(count(ctx, "import_verdicts").await, 4);
    assert_eq!(work(ctx, id).await, done, "there is nothing left to do");
}

#[tokio::test]
async fn one_worker_has_an_import_at_a_time() {
    let app = kit::start().await;
    let ctx = &app.context;
    let business = kit::business(ctx, "luna", None).await;
    let received = upload(
        ctx,
        business,
        options(ImportFormat::Csv, false),
        file().as_bytes(),
    )
    .await;
    let id = received.unwrap().id;
    let lock = WorkLock::take(ctx.pool(), id)
        .await
        .unwrap()
        .expect("nobody has it");
    assert_eq!(end(ctx, id).await, RunEnd::Busy);
    lock.release().await;
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let ctx = ctx.clone();
            tokio::spawn(async move { end(&ctx, id).await })
        })
        .collect();
    let mut ended = 0;
    for run in runs {
        match run.await.unwrap() {
            RunEnd::Ended(import) => {
                assert_eq!(counts(&import), (1702, 1700, 1, 1));
                ended += 1;
            }
            RunEnd::Busy => {}
            RunEnd::Stopped(import) => panic!("{import:?}"),
        }
    }
    assert!(ended >= 1);
    assert_eq!(sold(ctx, business).await.len(), ROWS);
}

async fn end(ctx: &Context, id: uuid::Uuid) -> RunEnd {
    run(ctx, id, &CancellationToken::new(), |_| ())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_file_of_several_pieces_is_read_whole() {
    let app = kit::start().await;
    let ctx = &app.context;
    let business = kit::business(ctx, "luna", None).await;
    // Long names make pieces of a mebibyte end within rows.
    let long = "Ж".repeat(95);
    let rows = (1..=6_000).map(|n| format!("r-{n},2026-02-01,client-{},1,{long}\n", n % 40));
    let file = "receipt_number,occurred_at,customer_id,total,cashier\n".to_owned()
        + &rows.collect::<String>();
    let received = upload(
        ctx,
        business,
        options(ImportFormat::Csv, false),
        file.as_bytes(),
    )
    .await;
    let id = received.unwrap().id;
    assert!(count(ctx, "import_chunks").await >= 2);
    // Stopped after each group, so that the work begins anew within a piece.
    let done = loop {
        let stop = CancellationToken::new();
        match run(ctx, id, &stop, |_| stop.cancel()).await.unwrap() {
            RunEnd::Ended(import) => break import,
            RunEnd::Stopped(_) => {}
            RunEnd::Busy => panic!("nobody else works"),
        }
    };
    assert_eq!(counts(&done), (6_000, 6_000, 0, 0));
    assert_eq!(done.money.hundredths(), 600_000);
}
