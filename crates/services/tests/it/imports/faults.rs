//! Rows that are not posted, and the rest that goes on.

use serde_json::json;
use services::imports::{ImportFormat, ImportState};

use super::{HEADER, count, counts, import, options, sold, upload, verdicts_of, work};
use crate::kit;

fn verdict(row: i64, code: &str, place: Option<&str>) -> (i64, String, Option<String>) {
    (row, code.to_owned(), place.map(str::to_owned))
}

#[tokio::test]
async fn each_broken_row_has_its_verdict() {
    let app = kit::start().await;
    let ctx = &app.context;
    let business = kit::business(ctx, "luna", None).await;
    let mut file =
        b"\xef\xbb\xbfreceipt_number;occurred_at;phone;customer_id;total;category\r\n".to_vec();
    let rows: [&[u8]; 16] = [
        b"r1;2026-02-01;;client-1;10,50;food",
        b"r2;2026-02-01;;client-1",
        b"r3;2026-02-01;\"open;client-1;10;",
        b"r4;2026-02-01;;\xc0\xed\xed\xe0;10;",
        b"",
        b"r5;2026-02-01;;client-1;ten;",
        b"r6;2026-02-01;;client-1;-1;",
        b"r7;2026-02-01;;client-1;99999999999999999999;",
        b"r8;2026-02-01;;client-1;10;fur",
        b"r9;2026-02-01;+7916;;10;",
        b"r10;2026-02-01;;;10;",
        b"r11;2027-02-01;;client-1;10;",
        b"r1;2026-02-01;;client-1;10,5;food",
        b"r1;2026-02-01;;client-1;10.51;food",
        b"r1;2026-02-01;;client-2;10.50;food",
        b"r12;2026-02-01;8 916 123 45 67;;0;",
    ];
    for row in rows {
        file.extend(row);
        file.extend(b"\r\n");
    }
    let done = import(ctx, business, &file).await;
    assert_eq!(counts(&done), (15, 2, 1, 12));
    assert_eq!(
        verdicts_of(ctx, &done).await,
        [
            verdict(2, "wrong_field_count", None),
            verdict(3, "bad_quoting", None),
            verdict(4, "not_utf8", None),
            verdict(5, "bad_format", Some("total")),
            verdict(6, "amount_out_of_range", Some("total")),
            verdict(7, "amount_out_of_range", Some("total")),
            verdict(8, "unknown_category", None),
            verdict(9, "bad_format", Some("phone")),
            verdict(10, "one_of", None),
            verdict(11, "posted_in_future", None),
            verdict(12, "duplicate", None),
            verdict(13, "receipt_conflict", None),
            verdict(14, "receipt_conflict", None),
        ]
    );
    assert_eq!(done.money.hundredths(), 1050);
    assert_eq!(count(ctx, "purchases").await, 2);
    assert_eq!(
        sold(ctx, business).await,
        [("r1".to_owned(), "client-1".to_owned(), 1050, 52)]
    );
}

#[tokio::test]
async fn objects_are_posted_as_a_till_would() {
    let app = kit::start().await;
    let ctx = &app.context;
    let business = kit::business(ctx, "luna", None).await;
    let member = json!({ "customer_id": "client-1" });
    let row = |receipt: &str, more: serde_json::Value| {
        let mut row = json!({
            "receipt_number": receipt, "occurred_at": "2026-02-01T10:00:00Z", "member": member, "total": 1000,
        });
        for (name, value) in more.as_object().unwrap() {
            row[name] = value.clone();
        }
        format!("{row}\n")
    };
    let lines =
        json!([{ "category": "food", "amount": 700 }, { "category": "tobacco", "amount": 300 }]);
    let file = [
        row("r1", json!({ "lines": lines })),
        row("r2", json!({ "lines": [{ "amount": 999 }] })),
        row("r3", json!({ "points": 100 })),
        "nonsense\n".to_owned(),
        row("r4", json!({ "not_earning": 1001 })),
        row("r5", json!({ "location_id": uuid::Uuid::nil() })),
        row("r6", json!({})),
    ]
    .concat();
    let received = upload(
        ctx,
        business,
        options(ImportFormat::Ndjson, false),
        file.as_bytes(),
    )
    .await;
    let done = work(ctx, received.unwrap().id).await;
    assert_eq!(counts(&done), (7, 2, 0, 5));
    assert_eq!(
        verdicts_of(ctx, &done).await,
        [
            verdict(2, "total_mismatch", None),
            verdict(3, "spending_not_allowed", Some("/points")),
            verdict(4, "invalid_json", None),
            verdict(5, "total_mismatch", None),
            verdict(6, "unknown_location", None),
        ]
    );
    let points: Vec<i64> = sold(ctx, business).await.iter().map(|row| row.3).collect();
    assert_eq!(points, [35, 50]);
}

#[tokio::test]
async fn a_dry_run_decides_the_same_and_posts_nothing() {
    let app = kit::start().await;
    let ctx = &app.context;
    let business = kit::business(ctx, "luna", None).await;
    import(
        ctx,
        business,
        format!("{HEADER}r-3,2026-02-01,client-3,3.03\n").as_bytes(),
    )
    .await;
    // Twice the same rows, so that the second time they come in other groups.
    let mut file = super::file_of(700);
    file.push_str(&super::file_of(700)[HEADER.len()..]);
    file.push_str("r-5,2026-02-01,client-5,77\nbroken\n");
    let before = sold(ctx, business).await;
    let received = upload(
        ctx,
        business,
        options(ImportFormat::Csv, true),
        file.as_bytes(),
    )
    .await;
    let dry = work(ctx, received.unwrap().id).await;
    assert_eq!(
        (dry.state, counts(&dry)),
        (ImportState::Done, (1402, 699, 701, 2))
    );
    assert_eq!(sold(ctx, business).await, before);
    assert_eq!(count(ctx, "members").await, 1, "nobody was made either");
    assert_eq!(count(ctx, "import_dry_receipts").await, 0);

    let real = import(ctx, business, file.as_bytes()).await;
    assert_eq!(counts(&real), counts(&dry));
    assert_eq!((real.money, real.points), (dry.money, dry.points));
    assert_eq!(verdicts_of(ctx, &real).await, verdicts_of(ctx, &dry).await);
    assert_eq!(sold(ctx, business).await.len(), 700);
}
