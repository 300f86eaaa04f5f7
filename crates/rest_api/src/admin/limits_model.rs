//! The programme's limits in JSON.

use domain::limits;
use domain::money::Points;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::Hundredths;

/// How much may happen without a second look. What is left out has the usual limit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most points that one operator gives or takes without a second person, in hundredths.
    #[schema(value_type = Hundredths, example = 100_000)]
    pub adjustment_alone: Points,
    /// The fewest points that a member gives to another.
    #[schema(value_type = i64, minimum = 1, maximum = 1_000_000_000_000_i64, example = 1_000)]
    pub transfer_least: Points,
    /// The most points that a member gives away on one day.
    #[schema(value_type = Hundredths, example = 500_000)]
    pub transfer_daily: Points,
    /// The most points of one transfer for which the giver need not have signed in within the last five minutes.
    #[schema(value_type = Hundredths, example = 50_000)]
    pub transfer_unproved: Points,
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&limits::Limits::default())
    }
}

impl From<&limits::Limits> for Limits {
    fn from(limits: &limits::Limits) -> Self {
        Self {
            adjustment_alone: limits.adjustment_alone,
            transfer_least: limits.transfer_least,
            transfer_daily: limits.transfer_daily,
            transfer_unproved: limits.transfer_unproved,
        }
    }
}

impl From<Limits> for limits::Limits {
    fn from(limits: Limits) -> Self {
        Self {
            adjustment_alone: limits.adjustment_alone,
            transfer_least: limits.transfer_least,
            transfer_daily: limits.transfer_daily,
            transfer_unproved: limits.transfer_unproved,
        }
    }
}
