//! A real log of purchases: 6 919 of 2 357 people.

use std::collections::BTreeSet;
use std::path::PathBuf;

use services::audit::audit;
use services::imports::ImportFormat;
use services::imports::run::{RunEnd, run};
use tokio_util::sync::CancellationToken;

use super::{count, counts, options, sold, upload, work};
use crate::kit;

fn sample() -> String {
    let usual = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/test-data/CDNOW_sample.txt"
    );
    let path = std::env::var_os("OWNCIRCLE_CDNOW").map_or_else(|| usual.into(), PathBuf::from);
    std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; `make test` puts the file there, or OWNCIRCLE_CDNOW names it",
            path.display()
        )
    })
}

#[tokio::test]
async fn the_sample_is_posted_to_the_cent_and_only_once() {
    let app = kit::start().await;
    let ctx = &app.context;
    let sample = sample();
    assert_eq!(ImportFormat::guess(sample.as_bytes()), ImportFormat::Cdnow);
    let rows: Vec<Vec<&str>> = sample
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let people: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let cents: i64 = rows
        .iter()
        .map(|row| row[4].replace('.', "").parse::<i64>().unwrap())
        .sum();
    assert_eq!((rows.len(), people.len()), (6_919, 2_357));

    let business = kit::business(ctx, "cdnow", None).await;
    let whole = options(ImportFormat::Cdnow, false);
    let received = upload(ctx, business, whole.clone(), sample.as_bytes()).await;
    let done = work(ctx, received.unwrap().id).await;
    assert_eq!(counts(&done), (6_919, 6_919, 0, 0));
    assert_eq!(done.money.hundredths(), cents);
    let bought = sold(ctx, business).await;
    assert_eq!(bought.len(), rows.len());
    assert_eq!(bought.iter().map(|row| row.2).sum::<i64>(), cents);
    assert_eq!(count(ctx, "members").await, 2_357);
    for (receipt, customer, total, points) in &bought {
        let line: usize = receipt.strip_prefix("cdnow-").unwrap().parse().unwrap();
        let row = &rows[line - 1];
        assert_eq!(*customer, format!("cdnow-{}", row[0]));
        assert_eq!(*total, row[4].replace('.', "").parse::<i64>().unwrap());
        assert_eq!(*points, total * 5 / 100);
    }

    let again = upload(ctx, business, whole.clone(), sample.as_bytes()).await;
    let again = work(ctx, again.unwrap().id).await;
    assert_eq!(counts(&again), (6_919, 0, 6_919, 0));
    assert_eq!(sold(ctx, business).await, bought);

    let other = kit::business(ctx, "interrupted", None).await;
    let received = upload(ctx, other, whole, sample.as_bytes()).await.unwrap();
    let stop = CancellationToken::new();
    let stopped = run(ctx, received.id, &stop, |import| {
        if import.rows > 3_000 {
            stop.cancel();
        }
    });
    assert!(matches!(stopped.await.unwrap(), RunEnd::Stopped(_)));
    assert_eq!(counts(&work(ctx, received.id).await), (6_919, 6_919, 0, 0));
    assert_eq!(sold(ctx, other).await, bought);
    let report = audit(ctx, 10).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.named);
}
