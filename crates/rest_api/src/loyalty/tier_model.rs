//! Tiers as answers have them.

use domain::loyalty::tier;
use domain::money::BasisPoints;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::validity_model::Validity;

/// One step of the ladder.
#[derive(Serialize, ToSchema)]
pub struct Tier {
    /// Its code.
    #[schema(max_length = 32, pattern = "^[a-z][a-z0-9_]*$", example = "vip")]
    pub code: String,
    /// Its place, from 0 upwards.
    #[schema(value_type = i32, minimum = 0, maximum = 19, example = 1)]
    pub level: i16,
    /// Russian name.
    #[schema(max_length = 60, example = "Ближний круг")]
    pub name_ru: String,
    /// English name.
    #[schema(max_length = 60, example = "Inner Circle")]
    pub name_en: String,
    /// The measure from which a member is here, in hundredths; the lowest tier has 0.
    #[schema(minimum = 0, example = 3_000_000)]
    pub threshold: i64,
    /// What base earning is multiplied by, in basis points: 10000 changes nothing.
    #[schema(value_type = i32, minimum = 0, maximum = 1_000_000, example = 12_000)]
    pub multiplier: BasisPoints,
    /// How long base points live here; null: as the programme says.
    #[schema(required = true)]
    pub validity: Option<Validity>,
}

/// What counts toward a tier.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TierMeasure {
    /// Money paid, less refunds; hundredths of the currency.
    NetSpend,
    /// Points earned, less those taken back; hundredths of a point.
    PointsEarned,
}

impl From<&tier::Tier> for Tier {
    fn from(tier: &tier::Tier) -> Self {
        Self {
            code: tier.code.clone(),
            level: tier.level,
            name_ru: tier.name_ru.clone(),
            name_en: tier.name_en.clone(),
            threshold: tier.threshold,
            multiplier: tier.multiplier,
            validity: tier.validity.map(Into::into),
        }
    }
}

impl From<tier::TierMeasure> for TierMeasure {
    fn from(measure: tier::TierMeasure) -> Self {
        match measure {
            tier::TierMeasure::NetSpend => Self::NetSpend,
            tier::TierMeasure::PointsEarned => Self::PointsEarned,
        }
    }
}

impl From<TierMeasure> for tier::TierMeasure {
    fn from(measure: TierMeasure) -> Self {
        match measure {
            TierMeasure::NetSpend => Self::NetSpend,
            TierMeasure::PointsEarned => Self::PointsEarned,
        }
    }
}
