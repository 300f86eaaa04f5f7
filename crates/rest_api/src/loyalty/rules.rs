//! GET /loyalty/rules: how points are earned now.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, RuleId};
use domain::loyalty::rule::Rule;
use domain::money::{BasisPoints, Points};
use http_kit::{ApiQuery, Problem};
use serde::{Deserialize, Serialize};
use services::businesses;
use services::context::Context;
use services::loyalty::earning_rules::in_force;
use services::programme;
use utoipa::{IntoParams, ToSchema};

use super::rule_model::{Conditions, MemberCap, Reward};
use super::validity_model::Validity;
use crate::problem::ApiResult;

/// Where points are to be earned.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RulesQuery {
    /// The business; without it the promotions that hold everywhere.
    #[param(value_type = Option<Uuid>)]
    business_id: Option<BusinessId>,
}

/// How points are earned now.
#[derive(Serialize, ToSchema)]
pub struct EarningRules {
    /// The business that was asked for.
    #[schema(required = true)]
    pub business: Option<EarningBusiness>,
    /// Hours from earning to activation; 0: at once.
    #[schema(value_type = i32, minimum = 0, maximum = 8_760, example = 0)]
    pub activation_delay_hours: u32,
    /// How long points live after activation.
    pub validity: Validity,
    /// The promotions in force, oldest first.
    #[schema(max_items = 1000)]
    pub promotions: Vec<Promotion>,
}

/// What a business gives for every purchase.
#[derive(Serialize, ToSchema)]
pub struct EarningBusiness {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: BusinessId,
    /// Name.
    #[schema(max_length = 200, example = "Кафе «Луна»")]
    pub name: String,
    /// What a purchase earns of its money part, in basis points, before the tier's multiplier.
    #[schema(value_type = i32, minimum = 0, maximum = 10_000, example = 500)]
    pub base_rate: BasisPoints,
}

/// A promotion that adds to the base earning.
#[derive(Serialize, ToSchema)]
pub struct Promotion {
    /// Identifier of the rule.
    #[schema(value_type = Uuid)]
    pub id: RuleId,
    /// Where it holds; null: everywhere.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub business_id: Option<BusinessId>,
    /// Russian name.
    #[schema(max_length = 100, example = "Двойные баллы по вторникам")]
    pub name_ru: String,
    /// English name.
    #[schema(max_length = 100, example = "Double points on Tuesdays")]
    pub name_en: String,
    /// What it gives.
    pub reward: Reward,
    /// When it applies.
    pub conditions: Conditions,
    /// The most points in one purchase, in hundredths; null: no such limit.
    #[schema(value_type = Option<i64>, required = true, minimum = 0)]
    pub per_purchase: Option<Points>,
    /// The most points to one member in a period; null: no such limit.
    #[schema(required = true)]
    pub per_member: Option<MemberCap>,
    /// Hours to activation, where they differ.
    #[schema(value_type = Option<i32>, required = true, minimum = 0, maximum = 8_760)]
    pub activation_delay_hours: Option<u32>,
    /// Life of its points, where it differs.
    #[schema(required = true)]
    pub validity: Option<Validity>,
    /// In force from this moment.
    pub effective_from: DateTime<Utc>,
    /// Until this moment, exclusive; null: open.
    #[schema(required = true)]
    pub effective_until: Option<DateTime<Utc>>,
}

impl From<Rule> for Promotion {
    fn from(rule: Rule) -> Self {
        let definition = rule.definition;
        Self {
            id: rule.id,
            business_id: rule.business,
            name_ru: definition.name_ru,
            name_en: definition.name_en,
            reward: definition.reward.into(),
            conditions: definition.conditions.into(),
            per_purchase: definition.caps.per_purchase,
            per_member: definition.caps.per_member.map(Into::into),
            activation_delay_hours: definition.activation_delay_hours,
            validity: definition.validity.map(Into::into),
            effective_from: rule.effective_from,
            effective_until: rule.effective_until,
        }
    }
}

/// How points are earned now
///
/// With `business_id` the base rate of that business and every promotion that holds there; without it the promotions that hold
/// everywhere. For anybody to read.
#[utoipa::path(
    get, path = "/loyalty/rules", operation_id = "loyalty_list_rules", tag = "loyalty",
    params(RulesQuery),
    responses((status = 200, description = "The rules in force", body = EarningRules)),
    extensions(("x-problems" = json!(["not_found"]))),
)]
pub async fn rules_now(
    State(ctx): State<Context>,
    ApiQuery(query): ApiQuery<RulesQuery>,
) -> ApiResult<Json<EarningRules>> {
    let business = match query.business_id {
        Some(id) => Some(
            businesses::get(&ctx, id)
                .await?
                .ok_or_else(Problem::not_found)?,
        ),
        None => None,
    };
    let settings = &programme::current(&ctx).await?.settings;
    let rules = in_force(&ctx, query.business_id).await?;
    Ok(Json(EarningRules {
        business: business.map(|business| EarningBusiness {
            id: business.id,
            name: business.name,
            base_rate: business.base_rate,
        }),
        activation_delay_hours: settings.activation_delay_hours,
        validity: settings.validity.into(),
        promotions: rules.into_iter().map(Promotion::from).collect(),
    }))
}
