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
    /// How often a member earns at one business on a day; null: without limit.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1_000_000, example = 1_000)]
    pub member_accruals_day: Option<u32>,
    /// How often one person at a till credits one member on a day; null: without limit.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1_000_000, example = 20)]
    pub cashier_member_day: Option<u32>,
    /// From how many such credits on a case is opened for the operators; null: never.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1_000_000, example = 5)]
    pub repeated_credits: Option<u32>,
    /// The points that one person at a till credits in an hour by the clock; null: without limit.
    #[schema(value_type = Option<Hundredths>, example = 10_000_000)]
    pub cashier_points_hour: Option<Points>,
    /// The points that one key credits in an hour on one server; null: without limit.
    #[schema(value_type = Option<Hundredths>)]
    pub key_points_hour: Option<Points>,
    /// The points that one outlet credits in an hour on one server; null: without limit.
    #[schema(value_type = Option<Hundredths>)]
    pub location_points_hour: Option<Points>,
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
            member_accruals_day: limits.member_accruals_day,
            cashier_member_day: limits.cashier_member_day,
            repeated_credits: limits.repeated_credits,
            cashier_points_hour: limits.cashier_points_hour,
            key_points_hour: limits.key_points_hour,
            location_points_hour: limits.location_points_hour,
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
            member_accruals_day: limits.member_accruals_day,
            cashier_member_day: limits.cashier_member_day,
            repeated_credits: limits.repeated_credits,
            cashier_points_hour: limits.cashier_points_hour,
            key_points_hour: limits.key_points_hour,
            location_points_hour: limits.location_points_hour,
        }
    }
}
