//! PATCH /admin/rules/{id}: changes an earning rule from a date on.

use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::RuleId;
use domain::loyalty::rule::RuleDefinition;
use domain::text::Text;
use http_kit::etag::{IfMatch, IfMatchRequiredHeader};
use http_kit::{ApiJson, ApiPath, By, ProblemCode};
use serde::Deserialize;
use services::caller::OperatorCaller;
use services::context::Context;
use services::loyalty::earning_rules::{self, change, get};
use utoipa::ToSchema;

use super::rule_model::{Caps, Rule};
use crate::loyalty::rule_model::{Conditions, Reward};
use crate::loyalty::validity_model::Validity;
use crate::problem::ApiResult;
use crate::wire;

/// What is to be changed. A field left out stays as it is; null empties it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleChange {
    /// From when the change holds; from now on when left out.
    effective_from: Option<DateTime<Utc>>,
    /// Until when the rule holds, exclusive.
    #[serde(default, deserialize_with = "wire::present")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    effective_until: Option<Option<DateTime<Utc>>>,
    /// What is to be changed of what it gives.
    definition: Option<DefinitionChange>,
}

/// What is to be changed of a definition. Reward, conditions and caps are replaced whole.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DefinitionChange {
    /// Russian name, shown to members.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Двойные баллы по вторникам")]
    name_ru: Option<Text<100>>,
    /// English name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Double points on Tuesdays")]
    name_en: Option<Text<100>>,
    /// A rule that is switched off gives nothing.
    active: Option<bool>,
    /// What it gives.
    reward: Option<Reward>,
    /// When it applies.
    conditions: Option<Conditions>,
    /// How much it may give.
    caps: Option<Caps>,
    /// Hours to activation.
    #[serde(default, deserialize_with = "wire::present")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 8_760, example = 24)]
    activation_delay_hours: Option<Option<u32>>,
    /// Life of its points.
    #[serde(default, deserialize_with = "wire::present")]
    #[schema(value_type = Option<Validity>)]
    validity: Option<Option<Validity>>,
}

impl DefinitionChange {
    fn apply(self, mut definition: RuleDefinition) -> RuleDefinition {
        if let Some(name) = self.name_ru {
            definition.name_ru = name.into_string();
        }
        if let Some(name) = self.name_en {
            definition.name_en = name.into_string();
        }
        if let Some(active) = self.active {
            definition.active = active;
        }
        if let Some(reward) = self.reward {
            definition.reward = reward.into();
        }
        if let Some(conditions) = self.conditions {
            definition.conditions = conditions.into();
        }
        if let Some(caps) = self.caps {
            definition.caps = caps.into();
        }
        if let Some(hours) = self.activation_delay_hours {
            definition.activation_delay_hours = hours;
        }
        if let Some(validity) = self.validity {
            definition.validity = validity.map(Into::into);
        }
        definition
    }
}

/// Change an earning rule
///
/// For an admin. The change makes a new version that holds from `effective_from` on; purchases made before keep the rule as it
/// was, and so do their refunds. `If-Match` names the version that was read.
#[utoipa::path(
    patch, path = "/admin/rules/{id}", operation_id = "admin_change_rule", tag = "admin",
    params(("id" = Uuid, Path, description = "The rule"), IfMatchRequiredHeader),
    request_body = RuleChange,
    responses((status = 200, description = "The new version", body = Rule)),
    extensions(("x-problems" = json!(["precondition_failed", "precondition_required"]))),
)]
pub async fn change_one(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(id): ApiPath<RuleId>,
    seen: IfMatch,
    ApiJson(request): ApiJson<RuleChange>,
) -> ApiResult<Rule> {
    let latest = get(&ctx, &operator, id).await?;
    // A rule is not changed without having read it, so `*` does not do. A version never changes once it is written:
    // what is read here is what the use case finds under its lock, or it refuses.
    if seen.expected()? != Some(latest.version.into()) {
        return Err(ProblemCode::PreconditionFailed.into());
    }
    let input = earning_rules::RuleChange {
        rule: id,
        version: latest.version,
        effective_from: request.effective_from,
        effective_until: request.effective_until.unwrap_or(latest.effective_until),
        definition: match request.definition {
            Some(change) => change.apply(latest.definition),
            None => latest.definition,
        },
    };
    Ok(change(&ctx, &operator, input).await?.into())
}
