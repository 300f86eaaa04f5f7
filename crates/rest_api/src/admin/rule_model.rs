//! An earning rule as an admin sees it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, RuleId};
use domain::loyalty::rule;
use domain::money::Points;
use domain::text::Text;
use http::header;
use http_kit::etag::etag;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::loyalty::rule_model::{Conditions, MemberCap, Reward};
use crate::loyalty::validity_model::Validity;
use crate::wire;

/// An earning rule in its latest version.
#[derive(Serialize, ToSchema)]
pub struct Rule {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: RuleId,
    /// The version; its `ETag` is `"v"` and this number.
    #[schema(minimum = 1, example = 1)]
    pub version: i32,
    /// Where it holds; null: everywhere.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub business_id: Option<BusinessId>,
    /// The business that pays for what it gives; null: the programme.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub funder_business_id: Option<BusinessId>,
    /// In force from this moment.
    pub effective_from: DateTime<Utc>,
    /// Until this moment, exclusive; null: open.
    #[schema(required = true)]
    pub effective_until: Option<DateTime<Utc>>,
    /// What it gives, when, and up to how much.
    pub definition: Definition,
}

/// What a rule gives, when, and up to how much.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Russian name, shown to members.
    #[serde(deserialize_with = "name")]
    #[schema(
        min_length = 1,
        max_length = 100,
        example = "Двойные баллы по вторникам"
    )]
    pub name_ru: String,
    /// English name.
    #[serde(deserialize_with = "name")]
    #[schema(
        min_length = 1,
        max_length = 100,
        example = "Double points on Tuesdays"
    )]
    pub name_en: String,
    /// A rule that is switched off gives nothing.
    #[serde(default = "switched_on")]
    #[schema(default = true)]
    pub active: bool,
    /// What it gives.
    pub reward: Reward,
    /// When it applies.
    #[serde(default)]
    pub conditions: Conditions,
    /// How much it may give.
    #[serde(default)]
    pub caps: Caps,
    /// Hours to activation; null: as the programme says.
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 8_760, example = 24)]
    pub activation_delay_hours: Option<u32>,
    /// Life of its points; null: as the programme or the tier says.
    pub validity: Option<Validity>,
}

fn name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::<100>::deserialize(deserializer).map(Text::into_string)
}

const fn switched_on() -> bool {
    true
}

/// Up to how much a rule gives. Caps clamp; one that is left out does not limit.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    /// Points in one purchase, in hundredths.
    #[schema(value_type = Option<wire::Hundredths>)]
    pub per_purchase: Option<Points>,
    /// Points to one member in a period.
    pub per_member: Option<MemberCap>,
    /// Points in all, over the rule's whole life.
    #[schema(value_type = Option<wire::Hundredths>)]
    pub budget: Option<Points>,
}

impl From<Caps> for rule::Caps {
    fn from(caps: Caps) -> Self {
        Self {
            per_purchase: caps.per_purchase,
            per_member: caps.per_member.map(Into::into),
            budget: caps.budget,
        }
    }
}

impl From<rule::Caps> for Caps {
    fn from(caps: rule::Caps) -> Self {
        Self {
            per_purchase: caps.per_purchase,
            per_member: caps.per_member.map(Into::into),
            budget: caps.budget,
        }
    }
}

impl From<Definition> for rule::RuleDefinition {
    fn from(definition: Definition) -> Self {
        Self {
            name_ru: definition.name_ru,
            name_en: definition.name_en,
            active: definition.active,
            reward: definition.reward.into(),
            conditions: definition.conditions.into(),
            caps: definition.caps.into(),
            activation_delay_hours: definition.activation_delay_hours,
            validity: definition.validity.map(Into::into),
        }
    }
}

impl From<rule::RuleDefinition> for Definition {
    fn from(definition: rule::RuleDefinition) -> Self {
        Self {
            name_ru: definition.name_ru,
            name_en: definition.name_en,
            active: definition.active,
            reward: definition.reward.into(),
            conditions: definition.conditions.into(),
            caps: definition.caps.into(),
            activation_delay_hours: definition.activation_delay_hours,
            validity: definition.validity.map(Into::into),
        }
    }
}

impl From<rule::Rule> for Rule {
    fn from(rule: rule::Rule) -> Self {
        Self {
            id: rule.id,
            version: rule.version,
            business_id: rule.business,
            funder_business_id: rule.funder.business(),
            effective_from: rule.effective_from,
            effective_until: rule.effective_until,
            definition: rule.definition.into(),
        }
    }
}

impl IntoResponse for Rule {
    fn into_response(self) -> Response {
        let tag = [(header::ETAG, etag(self.version.into()))];
        (tag, Json(self)).into_response()
    }
}
