//! GET /loyalty/balance: what the member has.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::money::Points;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_kit::By;
use serde::Serialize;
use services::caller::MemberCaller;
use services::context::Context;
use services::loyalty::balance::{BalanceNow, Freshness, balance};
use utoipa::ToSchema;

use crate::problem::ApiResult;

/// What I have at this moment.
#[derive(Serialize, ToSchema)]
pub struct CurrentBalance {
    /// Points that can be spent, in hundredths.
    #[schema(value_type = i64, minimum = 0, example = 12_550)]
    pub available: Points,
    /// Points that are not active yet.
    #[schema(value_type = i64, minimum = 0, example = 0)]
    pub pending: Points,
    /// Points set aside for a checkout.
    #[schema(value_type = i64, minimum = 0, example = 0)]
    pub held: Points,
    /// Points owed after a refund; later earnings pay them first.
    #[schema(value_type = i64, minimum = 0, example = 0)]
    pub debt: Points,
    /// The points that expire next, if any do.
    #[schema(required = true)]
    pub next_expiry: Option<NextExpiry>,
    /// The moment for which this is true.
    pub as_of: DateTime<Utc>,
}

/// The points that expire next.
#[derive(Serialize, ToSchema)]
pub struct NextExpiry {
    /// From this moment on they can't be spent.
    pub expires_at: DateTime<Utc>,
    /// How many, in hundredths.
    #[schema(value_type = i64, minimum = 1, example = 2_500)]
    pub points: Points,
}

impl From<BalanceNow> for CurrentBalance {
    fn from(now: BalanceNow) -> Self {
        Self {
            available: now.balance.available,
            pending: now.balance.pending,
            held: now.balance.held,
            debt: now.balance.debt,
            next_expiry: now
                .next_expiry
                .map(|(expires_at, points)| NextExpiry { expires_at, points }),
            as_of: now.as_of,
        }
    }
}

/// The header that asks for an answer read at this moment: `params(CacheControlHeader)`.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub struct CacheControlHeader {
    /// `no-cache` asks for a balance that is read at this moment.
    #[param(
        rename = "Cache-Control",
        max_length = 200,
        pattern = "^[A-Za-z0-9=, -]*$",
        example = "no-cache"
    )]
    pub cache_control: Option<String>,
}

/// My balance
///
/// By the clock: what is not active yet or has expired does not count, whether or not it was written down already.
/// The answer may be a few seconds old, which `Age` and `as_of` tell; what this server has answered to a till or to you is always in it.
#[utoipa::path(
    get, path = "/loyalty/balance", operation_id = "loyalty_get_balance", tag = "loyalty",
    params(CacheControlHeader),
    responses((
        status = 200, description = "The balance", body = CurrentBalance,
        headers(("Age" = i32, description = "How many seconds ago this was read.")),
    )),
)]
pub async fn my_balance(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
    headers: HeaderMap,
) -> ApiResult<([(HeaderName, HeaderValue); 1], Json<CurrentBalance>)> {
    let now = balance(&ctx, &member, freshness(&headers)).await?;
    let age = HeaderValue::from(now.age.num_seconds());
    Ok(([(header::AGE, age)], Json(now.into())))
}

/// What `Cache-Control` asks for (RFC 9111).
fn freshness(headers: &HeaderMap) -> Freshness {
    let asked = headers.get_all(header::CACHE_CONTROL).iter();
    let mut words = asked
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let now = ["no-cache", "no-store", "max-age=0"];
    if words.any(|word| now.iter().any(|known| word.eq_ignore_ascii_case(known))) {
        Freshness::Now
    } else {
        Freshness::Recent
    }
}
