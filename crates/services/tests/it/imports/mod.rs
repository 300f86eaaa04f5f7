//! Files of purchases: posted once whatever happens on the way, with a verdict for each row that is not.

mod cdnow;
mod faults;
mod resuming;
mod uploading;

use domain::ids::BusinessId;
use domain::text::Text;
use services::context::Context;
use services::imports::run::{RunEnd, run};
use services::imports::show::{VerdictFilter, verdicts};
use services::imports::upload::{NewUpload, UploadError, begin_as_system};
use services::imports::{Import, ImportFormat, ImportState};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const HEADER: &str = "receipt_number,occurred_at,customer_id,total\n";

/// A file of `count` sound rows of 40 customers.
fn file_of(count: usize) -> String {
    let rows = (1..=count).map(|n| {
        let (day, customer) = (n % 28 + 1, n % 40);
        format!(
            "r-{n},2026-02-{day:02},client-{customer},{n}.{:02}\n",
            n % 100
        )
    });
    HEADER.to_owned() + &rows.collect::<String>()
}

fn options(format: ImportFormat, dry_run: bool) -> NewUpload {
    NewUpload {
        business: None,
        format,
        dry_run,
        file_name: Some(Text::new("purchases.csv").unwrap()),
    }
}

async fn upload(
    ctx: &Context,
    business: BusinessId,
    options: NewUpload,
    file: &[u8],
) -> Result<Import, UploadError> {
    let mut upload = begin_as_system(ctx, business, options);
    for piece in file.chunks(10_000) {
        if let Err(error) = upload.push(piece).await {
            upload.discard().await;
            return Err(error);
        }
    }
    upload.finish_as_system().await
}

/// Works on an import to its end.
async fn work(ctx: &Context, import: Uuid) -> Import {
    let end = run(ctx, import, &CancellationToken::new(), |_| ()).await;
    match end.unwrap() {
        RunEnd::Ended(import) => import,
        other => panic!("{other:?}"),
    }
}

/// Imports a CSV file and gives the import as it ended.
async fn import(ctx: &Context, business: BusinessId, file: &[u8]) -> Import {
    let received = upload(ctx, business, options(ImportFormat::Csv, false), file).await;
    let done = work(ctx, received.unwrap().id).await;
    assert_eq!(done.state, ImportState::Done);
    done
}

/// Row, code and place of all verdicts.
async fn verdicts_of(ctx: &Context, import: &Import) -> Vec<(i64, String, Option<String>)> {
    let filter = VerdictFilter {
        limit: 10_000,
        ..VerdictFilter::default()
    };
    let rows = verdicts(ctx, import.business, import.id, filter)
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| (row.row_number, row.code, row.place))
        .collect()
}

fn counts(import: &Import) -> (i64, i64, i64, i64) {
    (
        import.rows,
        import.posted,
        import.duplicates,
        import.refused,
    )
}

/// What a business has sold: receipt, customer number, bill and points of each purchase.
async fn sold(ctx: &Context, business: BusinessId) -> Vec<(String, String, i64, i64)> {
    sqlx::query_as(
        "select p.receipt_number, a.external_id, p.total, p.points_earned from purchases p
         join member_aliases a on a.member_id = p.member_id and a.business_id = p.business_id
         where p.business_id = $1 order by p.receipt_number",
    )
    .bind(business.as_uuid())
    .fetch_all(&mut *ctx.of(business).connection().await.unwrap())
    .await
    .unwrap()
}

async fn count(ctx: &Context, table: &'static str) -> i64 {
    let statement = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
        .fetch_one(&mut *ctx.across().connection().await.unwrap())
        .await
        .unwrap()
}
