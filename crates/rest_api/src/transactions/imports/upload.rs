//! POST /transactions/imports: takes a file of purchases, which a job then posts.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use domain::ids::BusinessId;
use domain::text::Text;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use http_kit::body::{check_length, too_large};
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::{ApiQuery, By, HttpKit, IdempotencyKey, Problem, ProblemCode};
use serde::Deserialize;
use services::caller::TillCaller;
use services::idempotency::Answer;
use services::imports::upload::{NewUpload, Upload, begin};
use services::imports::{self, ImportFormat};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::Import;
use crate::problem::{ApiError, ApiResult};

/// What is to be done with the file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// The business; needed only by a person who works at several.
    business_id: Option<Uuid>,
    /// Whether every row is only decided and nothing posted.
    dry_run: Option<bool>,
    /// The file's name, to recognise it by.
    #[param(value_type = Option<String>, min_length = 1, max_length = 200)]
    file_name: Option<Text<200>>,
}

/// A file of purchases: text, up to the limit that the service is set up with.
#[derive(ToSchema)]
#[schema(max_length = 1_073_741_824, pattern = r"^[^\u0000]*$")]
pub struct PurchaseFile(#[expect(dead_code, reason = "read as it comes, never as a whole")] String);

/// Import a file of purchases
///
/// For a manager, or a key with the scope `imports:write`. The body is the file: CSV (UTF-8; separated by commas, semicolons or tabs; the header names the
/// columns `receipt_number`, `occurred_at`, one or more of `phone`, `card_number` and `customer_id`, `total`, and if wanted `not_earning`, `not_payable`,
/// `category`, `location_id`, `cashier`; amounts as `12.30`; a day without time means its noon) or NDJSON (one object a line as `POST /transactions` takes it,
/// without points). A file can't spend points. The answer comes when the file is whole; a job then posts the rows in their order, each once, whatever happens
/// on the way, and gives a verdict to each row that it can't post.
#[utoipa::path(
    post, path = "/transactions/imports", operation_id = "transactions_import", tag = "transactions",
    params(ImportQuery, IdempotencyKeyHeader),
    request_body(content(
        (PurchaseFile = "text/csv", example = json!("receipt_number,occurred_at,phone,total\nA-1,2026-03-02T15:04:05+03:00,+79161234567,450.00\n")),
        (PurchaseFile = "application/x-ndjson", example = json!("{\"receipt_number\":\"A-1\",\"occurred_at\":\"2026-03-02T12:04:05Z\",\"member\":{\"customer_id\":\"client-17\"},\"total\":45000}\n"))
    ), description = "The file"),
    responses((status = 202, description = "Received; Location tells where the progress is", body = Import)),
    extensions(("x-problems" = json!([
        "idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "unreadable_file", "import_running"
    ]))),
)]
pub async fn upload(
    State(kit): State<HttpKit>,
    By(till): By<TillCaller>,
    key: IdempotencyKey,
    ApiQuery(query): ApiQuery<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let limit = kit.config().import_bytes;
    let input = NewUpload {
        business: query.business_id.map(BusinessId::from),
        format: format_of(&headers)?,
        dry_run: query.dry_run.unwrap_or(false),
        file_name: query.file_name,
    };
    let mut upload = begin(kit.services(), &till, input)?;
    check_length(&headers, limit)?;
    if let Err(error) = receive(&mut upload, body, limit).await {
        upload.discard().await;
        return Err(error);
    }
    let key = key.as_str().to_owned();
    Ok(replayable(
        upload.finish(till.principal_id(), key, render).await?,
    ))
}

fn format_of(headers: &HeaderMap) -> Result<ImportFormat, Problem> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    let is_utf8 = charset.is_none_or(|name| name.trim_matches('"') == "utf-8");
    match media_type {
        "text/csv" if is_utf8 => Ok(ImportFormat::Csv),
        "application/x-ndjson" if is_utf8 => Ok(ImportFormat::Ndjson),
        _ => Err(Problem::new(ProblemCode::UnsupportedMediaType)
            .detail("send Content-Type: text/csv or application/x-ndjson, in UTF-8")
            .detail_ru("нужен Content-Type: text/csv или application/x-ndjson в UTF-8")),
    }
}

async fn receive(upload: &mut Upload, body: Body, limit: usize) -> Result<(), ApiError> {
    let mut stream = body.into_data_stream();
    let mut received = 0_usize;
    while let Some(piece) = stream.next().await {
        let broken = || Problem::new(ProblemCode::BadRequest).detail("the body broke off");
        let piece = piece.map_err(|_| broken())?;
        received = received.saturating_add(piece.len());
        if received > limit {
            return Err(too_large(limit).into());
        }
        upload.push(&piece).await?;
    }
    Ok(())
}

fn render(import: &imports::Import) -> Answer {
    let body = serde_json::to_vec(&Import::from(import.clone()));
    Answer {
        status: StatusCode::ACCEPTED.as_u16(),
        location: Some(format!("/api/v1/transactions/imports/{}", import.id)),
        body: body.expect("an import is plain JSON"),
    }
}
