//! POST /loyalty/quote: what a purchase would earn, cost and allow.

use axum::Json;
use axum::extract::State;
use domain::loyalty::earning::Unmet;
use http_kit::{ApiJson, By, Problem};
use serde::Serialize;
use services::caller::TillCaller;
use services::context::Context;
use services::loyalty::quote::quote;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::ApiResult;
use crate::transactions::model::{AccrualOut, DrawOut, Explained, LineOut, LotOut};
use crate::transactions::request::PurchaseIn;
use crate::wire::Hundredths;

/// What a purchase would do. Nothing has happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quote {
    /// The bill.
    #[schema(value_type = Hundredths)]
    pub total: i64,
    /// The most points that may pay, given the bill and what the member has.
    #[schema(value_type = Hundredths)]
    pub max_points: i64,
    /// The points that would pay.
    #[schema(value_type = Hundredths)]
    pub points_spent: i64,
    /// What they pay, in money.
    #[schema(value_type = Hundredths)]
    pub paid_by_points: i64,
    /// The money to take.
    #[schema(value_type = Hundredths)]
    pub paid_by_money: i64,
    /// The points that would be earned.
    #[schema(value_type = Hundredths)]
    pub points_earned: i64,
    /// The member's tier.
    #[schema(max_length = 32)]
    pub tier: String,
    /// The tier after the purchase.
    #[schema(max_length = 32)]
    pub tier_after: String,
    /// Points available after it.
    #[schema(value_type = Hundredths)]
    pub available_after: i64,
    /// How each line would be paid and what of it earns.
    #[schema(max_items = 500)]
    pub lines: Vec<LineOut>,
    /// What each line would earn by the base rate and by each rule.
    #[schema(max_items = 10000)]
    pub accruals: Vec<AccrualOut>,
    /// The lots that would come of it.
    #[schema(max_items = 1000)]
    pub lots: Vec<LotOut>,
    /// The lots that would pay.
    #[schema(max_items = 10000)]
    pub spent: Vec<DrawOut>,
    /// The promotions that would give nothing, with the reason.
    #[schema(max_items = 1000)]
    pub not_applied: Vec<NotApplied>,
}

/// A promotion that would give nothing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct NotApplied {
    /// The rule.
    pub rule_id: Uuid,
    /// Why.
    pub reason: UnmetCondition,
}

/// The first condition of a rule that does not hold.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnmetCondition {
    /// Not in force at the time.
    NotInForce,
    /// The bill is below the minimum.
    Minimum,
    /// Not on this day of the week.
    Weekday,
    /// Not at this hour.
    Hours,
    /// Not on this visit.
    Visit,
    /// Not around the birthday.
    Birthday,
    /// Not in this tier.
    Tier,
    /// No line of its categories has money that earns.
    Category,
}

impl From<Unmet> for UnmetCondition {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::NotInForce => Self::NotInForce,
            Unmet::Minimum => Self::Minimum,
            Unmet::Weekday => Self::Weekday,
            Unmet::Hours => Self::Hours,
            Unmet::Visit => Self::Visit,
            Unmet::Birthday => Self::Birthday,
            Unmet::Tier => Self::Tier,
            Unmet::Category => Self::Category,
        }
    }
}

/// Quote a purchase
///
/// Takes the same body as posting and changes nothing. What would be refused is refused here for the same reason.
#[utoipa::path(
    post, path = "/loyalty/quote", operation_id = "loyalty_quote", tag = "loyalty",
    request_body = PurchaseIn,
    responses((status = 200, description = "What the purchase would do", body = Quote)),
    extensions(("x-problems" = json!(crate::transactions::problems()))),
)]
pub async fn ask(
    State(ctx): State<Context>,
    By(till): By<TillCaller>,
    ApiJson(purchase): ApiJson<PurchaseIn>,
) -> ApiResult<Json<Quote>> {
    let request = purchase
        .into_request(&ctx)
        .map_err(Problem::invalid_fields)?;
    let quoted = quote(&ctx, &till, request).await?;
    let row = quoted.purchase;
    let Explained {
        lines,
        accruals,
        lots,
        spent,
    } = Explained::of(row.explanation.0, row.business_id.into());
    Ok(Json(Quote {
        total: row.total,
        max_points: quoted.max_points.hundredths(),
        points_spent: row.points_spent,
        paid_by_points: row.paid_by_points,
        paid_by_money: row.paid_by_money,
        points_earned: row.points_earned,
        tier: row.tier,
        tier_after: row.tier_after,
        available_after: row.available_after,
        lines,
        accruals,
        lots,
        spent,
        not_applied: quoted
            .unmet
            .into_iter()
            .map(|(rule, unmet)| NotApplied {
                rule_id: rule.into(),
                reason: unmet.into(),
            })
            .collect(),
    }))
}
