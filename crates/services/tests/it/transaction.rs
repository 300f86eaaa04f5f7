//! Transactions: committed, rolled back, begun again, and finished although nobody waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use services::transaction::run;
use store::error::StoreError;
use tokio::sync::Notify;

use crate::kit::start;

async fn count(app: &test_kit::TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from code_phones")
        .fetch_one(app.context.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_failure_leaves_nothing() {
    let app = start().await;
    let failed: Result<(), StoreError> = run(&app.context, (), |conn, ()| {
        Box::pin(async move {
            sqlx::query("insert into code_phones values ('1', 0, null, now())")
                .execute(&mut *conn)
                .await?;
            sqlx::query("insert into code_phones values ('1', 0, null, now())")
                .execute(conn)
                .await?;
            Ok(())
        })
    })
    .await;
    assert_eq!(failed.unwrap_err().constraint(), Some("code_phones_pkey"));
    assert_eq!(count(&app).await, 0);
}

#[tokio::test]
async fn work_that_lost_against_another_is_begun_again_three_times_at_most() {
    let app = start().await;
    for (losses, expected) in [(2, true), (3, false)] {
        let tries = Arc::new(AtomicU32::new(0));
        let done: Result<(), StoreError> = run(
            &app.context,
            (tries.clone(), losses),
            |conn, (tries, losses)| {
                Box::pin(async move {
                    if tries.fetch_add(1, Ordering::SeqCst) < *losses {
                        sqlx::query(
                            "do $$ begin raise exception 'lost' using errcode = '40001'; end $$",
                        )
                        .execute(conn)
                        .await?;
                    }
                    Ok(())
                })
            },
        )
        .await;
        assert_eq!((done.is_ok(), tries.load(Ordering::SeqCst)), (expected, 3));
    }
}

/// The error of a use case, as most of them have it.
#[derive(Debug, thiserror::Error)]
enum Wrapped {
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[tokio::test]
async fn work_whose_error_wraps_the_databases_is_begun_again_too() {
    let app = start().await;
    let tries = Arc::new(AtomicU32::new(0));
    let done: Result<(), Wrapped> = run(&app.context, tries.clone(), |conn, tries| {
        Box::pin(async move {
            if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                let lost = "do $$ begin raise exception 'lost' using errcode = '40P01'; end $$";
                sqlx::query(lost).execute(conn).await.map_err(StoreError)?;
            }
            Ok(())
        })
    })
    .await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(tries.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_caller_who_leaves_cancels_nothing_half_way() {
    let app = start().await;
    let (begun, go, done) = (
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
    );
    let signals = (begun.clone(), go.clone(), done.clone());
    let ctx = app.context.clone();
    let request = tokio::spawn(async move {
        run(&ctx, signals, |conn, (begun, go, done)| {
            Box::pin(async move {
                sqlx::query("insert into code_phones values ('1', 0, null, now())")
                    .execute(&mut *conn)
                    .await?;
                begun.notify_one();
                go.notified().await;
                sqlx::query("insert into code_phones values ('2', 0, null, now())")
                    .execute(conn)
                    .await?;
                done.notify_one();
                Ok::<_, StoreError>(())
            })
        })
        .await
    });
    begun.notified().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    go.notify_one();
    done.notified().await;
    let committed = async {
        while count(&app).await != 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), committed)
        .await
        .expect("both rows are committed");
}
