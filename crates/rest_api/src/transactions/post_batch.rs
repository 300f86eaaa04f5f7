//! POST /transactions/batch: posts up to a thousand purchases, each with its own verdict.

use axum::extract::State;
use axum::response::Response;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::json::parse_value;
use http_kit::problem::{Addressee, FieldError, Language};
use http_kit::{By, HttpKit, IdempotentJson, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use services::caller::TillCaller;
use services::idempotency::Answer;
use services::loyalty::post_batch::{NotPosted, Verdict, post_batch};
use services::loyalty::post_purchase::PurchaseRequest;
use utoipa::ToSchema;

use super::model::Transaction;
use super::request::PurchaseIn;
use crate::problem::{ApiError, ApiResult};

/// Purchases in the order in which they were made.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchIn {
    /// The purchases, each as the body of `POST /transactions`. One that is wrong or refused has its own verdict; the
    /// others are posted.
    #[schema(value_type = Vec<Object>, min_items = 1, max_items = 1000)]
    pub items: Vec<Value>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchOut {
    /// How many were posted.
    #[schema(minimum = 0, maximum = 1000)]
    pub posted: usize,
    /// How many were refused.
    #[schema(minimum = 0, maximum = 1000)]
    pub refused: usize,
    /// The verdicts in the order of the purchases.
    #[schema(max_items = 1000)]
    pub items: Vec<VerdictOut>,
}

/// Why a purchase was refused: an error answer without the `request_id` that is the batch's.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemProblem {
    /// The page that explains this kind of problem.
    #[serde(rename = "type")]
    #[schema(
        format = "uri",
        max_length = 300,
        example = "https://circle.example/problems/not_enough_points"
    )]
    pub kind: String,
    /// The kind of problem in a few words.
    #[schema(max_length = 200, example = "Not enough points")]
    pub title: String,
    /// The HTTP status that it would have had alone.
    #[schema(minimum = 400, maximum = 599, example = 409)]
    pub status: i32,
    /// What happened this time.
    #[schema(max_length = 1000, example = "Not enough points")]
    pub detail: String,
    /// Which item.
    #[schema(max_length = 2000, example = "/api/v1/transactions/batch#/items/0")]
    pub instance: String,
    /// The kind of problem, for programs: one of the catalogue at `/problems`.
    #[schema(max_length = 60, pattern = "^[a-z_]+$", example = "not_enough_points")]
    pub code: String,
    /// Every wrong field, when fields are the problem.
    #[schema(max_items = 1000, required = false)]
    pub errors: Vec<FieldError>,
}

/// What became of one purchase: a transaction or a problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictOut {
    /// Its place in the batch, from 0.
    #[schema(minimum = 0, maximum = 999)]
    pub index: usize,
    /// The status that it would have had alone.
    #[schema(minimum = 200, maximum = 599)]
    pub status: u16,
    /// The purchase, if it was posted.
    #[schema(value_type = Option<Transaction>)]
    pub transaction: Option<Box<RawValue>>,
    /// Why not, if it was refused.
    #[schema(value_type = Option<ItemProblem>)]
    pub problem: Option<Value>,
}

/// Post a batch of purchases
///
/// The result is that of the same purchases posted one by one in the order given; what is refused is refused alone. The whole batch has one Idempotency-Key.
/// It is not one transaction: after an answer of 5xx, or none, a part may have been posted. The same batch under the same key posts the rest and answers for all.
/// So does a batch in whose answer a purchase has a status of 5xx.
#[utoipa::path(
    post, path = "/transactions/batch", operation_id = "transactions_post_batch", tag = "transactions",
    params(IdempotencyKeyHeader),
    request_body = BatchIn,
    responses((status = 207, description = "A verdict for each purchase", body = BatchOut)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight"]))),
)]
pub async fn post_many(
    State(kit): State<HttpKit>,
    By(till): By<TillCaller>,
    body: IdempotentJson<BatchIn>,
) -> ApiResult<Response> {
    let ctx = kit.services();
    let (batch, key) = body.named(till.principal_id(), "transactions.batch");
    let parsed: Vec<Result<PurchaseRequest, Problem>> = batch
        .items
        .iter()
        .map(|item| {
            let purchase = parse_value::<PurchaseIn>(item).map_err(Problem::invalid_fields)?;
            let request = purchase
                .into_request(ctx)
                .map_err(Problem::invalid_fields)?;
            let business = till.business(request.business).map_err(Problem::from)?;
            till.location(business, request.location)
                .map_err(Problem::from)?;
            Ok(request)
        })
        .collect();
    let mut requests = Vec::with_capacity(parsed.len());
    let mut problems = Vec::with_capacity(parsed.len());
    for (index, parsed) in parsed.into_iter().enumerate() {
        match parsed {
            Ok(request) => {
                requests.push((index, request));
                problems.push(None);
            }
            Err(problem) => problems.push(Some(problem)),
        }
    }
    let public_url = kit.public_url().to_owned();
    let whole = move |verdicts| render(&public_url, problems, verdicts);
    let answered = post_batch(ctx, &till, requests, key, super::post::render, whole).await?;
    Ok(replayable(answered))
}

/// `problems`: item by item, what was wrong before it came to posting; the others have `verdicts`, in their order.
fn render(public_url: &str, problems: Vec<Option<Problem>>, verdicts: Vec<Verdict>) -> Answer {
    let mut verdicts = verdicts.into_iter();
    let items: Vec<VerdictOut> = problems
        .into_iter()
        .enumerate()
        .map(|(index, problem)| {
            let verdict = match problem {
                Some(problem) => Err(problem),
                None => match verdicts.next() {
                    Some(Ok(answer)) => Ok(answer),
                    Some(Err(NotPosted::Refused(refusal))) => Err(ApiError::from(refusal).0),
                    Some(Err(NotPosted::Failed(error))) => Err(ApiError::from(error).0),
                    None => Err(Problem::unavailable(1)),
                },
            };
            match verdict.and_then(|answer| posted(index, answer)) {
                Ok(posted) => posted,
                Err(problem) => refused(public_url, index, &problem),
            }
        })
        .collect();
    let posted = items
        .iter()
        .filter(|item| item.transaction.is_some())
        .count();
    let out = BatchOut {
        posted,
        refused: items.len() - posted,
        items,
    };
    Answer {
        status: 207,
        location: None,
        body: serde_json::to_vec(&out).expect("a batch's answer is plain JSON"),
    }
}

fn posted(index: usize, answer: Answer) -> Result<VerdictOut, Problem> {
    let text = String::from_utf8(answer.body).map_err(|error| Problem::internal(&error))?;
    let transaction = RawValue::from_string(text).map_err(|error| Problem::internal(&error))?;
    Ok(VerdictOut {
        index,
        status: answer.status,
        transaction: Some(transaction),
        problem: None,
    })
}

fn refused(public_url: &str, index: usize, problem: &Problem) -> VerdictOut {
    let instance = format!("/api/v1/transactions/batch#/items/{index}");
    let to = Addressee {
        public_url,
        instance: &instance,
        // The answer is kept and given again, under other request identifiers.
        request_id: "",
        language: Language::English,
    };
    let mut document = problem.document(&to);
    if let Some(members) = document.as_object_mut() {
        members.remove("request_id");
        let errors: &[FieldError] = problem.field_errors();
        debug_assert_eq!(errors.is_empty(), !members.contains_key("errors"));
    }
    VerdictOut {
        index,
        status: problem.code().status().as_u16(),
        transaction: None,
        problem: Some(document),
    }
}
