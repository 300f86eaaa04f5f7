//! How much may happen without a second look: points given by hand, from member to member, and at tills.

use serde::{Deserialize, Serialize};

use crate::money::Points;
use crate::names::named_values;
use crate::programme::Check;

named_values! {
    /// What happened too often at a till.
    Suspicion {
        /// A member earned at one business more often on a day than is plausible.
        MemberAccrualsDay = "member_accruals_day",
        /// A person at the till credited one member more often on a day.
        CashierMemberDay = "cashier_member_day",
        /// A person at the till credited more points in an hour.
        CashierPointsHour = "cashier_points_hour",
        /// A till with a key credited more points in an hour.
        KeyPointsHour = "key_points_hour",
        /// An outlet credited more points in an hour.
        LocationPointsHour = "location_points_hour",
        /// A person at the till credited one member so often on a day that somebody should look; nothing was refused.
        RepeatedCredits = "repeated_credits",
    }
}

/// The programme's limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most points that one operator gives or takes without a second person.
    pub adjustment_alone: Points,
    /// The fewest points that a member gives to another.
    pub transfer_least: Points,
    /// The most points that a member gives away on one day of the programme's zone.
    pub transfer_daily: Points,
    /// The most points of one transfer for which the giver need not have signed in within the last minutes.
    pub transfer_unproved: Points,
    /// How often a member earns at one business on a day; none: without limit.
    pub member_accruals_day: Option<u32>,
    /// How often one person at a till credits one member on a day.
    pub cashier_member_day: Option<u32>,
    /// From how many such credits on an operator is told.
    pub repeated_credits: Option<u32>,
    /// The points that one person at a till credits in an hour by the clock.
    pub cashier_points_hour: Option<Points>,
    /// The points that one key credits in an hour.
    pub key_points_hour: Option<Points>,
    /// The points that one outlet credits in an hour.
    pub location_points_hour: Option<Points>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            adjustment_alone: Points::from_hundredths(100_000),
            transfer_least: Points::from_hundredths(1_000),
            transfer_daily: Points::from_hundredths(500_000),
            transfer_unproved: Points::from_hundredths(50_000),
            member_accruals_day: Some(1_000),
            cashier_member_day: Some(20),
            repeated_credits: Some(5),
            cashier_points_hour: Some(Points::from_hundredths(10_000_000)),
            key_points_hour: None,
            location_points_hour: None,
        }
    }
}

impl Limits {
    /// Whether an adjustment of so many points, given or taken, waits for a second person.
    #[must_use]
    pub fn wants_second_person(&self, points: Points) -> bool {
        points.hundredths().unsigned_abs() > self.adjustment_alone.hundredths().unsigned_abs()
    }

    /// What a credit would be one too many for, if so many were there before it: of the member at the business today, and
    /// of the member by this person at the till, if a person stands there.
    #[must_use]
    pub fn exceeded(&self, of_member: u32, by_cashier: Option<u32>) -> Option<Suspicion> {
        let full = |limit: Option<u32>, count: u32| limit.is_some_and(|limit| count >= limit);
        if full(self.member_accruals_day, of_member) {
            Some(Suspicion::MemberAccrualsDay)
        } else if by_cashier.is_some_and(|count| full(self.cashier_member_day, count)) {
            Some(Suspicion::CashierMemberDay)
        } else {
            None
        }
    }

    /// Whether each limit is possible, where it stands, and what is allowed there.
    pub(crate) fn checks(&self) -> [Check; 10] {
        let count = |limit: Option<u32>| limit.is_none_or(|limit| (1..=1_000_000).contains(&limit));
        let points = |limit: Option<Points>| limit.is_none_or(|limit| !limit.is_negative());
        let (counts, amounts) = ("1 to 1000000, or null", "0 or more, or null");
        let not_negative = "0 or more";
        [
            (
                !self.adjustment_alone.is_negative(),
                "/limits/adjustment_alone",
                not_negative,
            ),
            (
                self.transfer_least.is_positive(),
                "/limits/transfer_least",
                "1 or more",
            ),
            (
                !self.transfer_daily.is_negative(),
                "/limits/transfer_daily",
                not_negative,
            ),
            (
                !self.transfer_unproved.is_negative(),
                "/limits/transfer_unproved",
                not_negative,
            ),
            (
                count(self.member_accruals_day),
                "/limits/member_accruals_day",
                counts,
            ),
            (
                count(self.cashier_member_day),
                "/limits/cashier_member_day",
                counts,
            ),
            (
                count(self.repeated_credits),
                "/limits/repeated_credits",
                counts,
            ),
            (
                points(self.cashier_points_hour),
                "/limits/cashier_points_hour",
                amounts,
            ),
            (
                points(self.key_points_hour),
                "/limits/key_points_hour",
                amounts,
            ),
            (
                points(self.location_points_hour),
                "/limits/location_points_hour",
                amounts,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_counts_like_giving() {
        let limits = Limits {
            adjustment_alone: Points::from_hundredths(500),
            ..Limits::default()
        };
        for (points, wants) in [
            (500, false),
            (501, true),
            (-500, false),
            (-501, true),
            (i64::MIN, true),
        ] {
            assert_eq!(
                limits.wants_second_person(Points::from_hundredths(points)),
                wants,
                "{points}"
            );
        }
    }

    #[test]
    fn a_limit_is_reached_by_as_many_as_it_says() {
        let limits = Limits {
            member_accruals_day: Some(3),
            cashier_member_day: Some(2),
            ..Limits::default()
        };
        assert_eq!(limits.exceeded(2, Some(1)), None);
        assert_eq!(
            limits.exceeded(3, Some(0)),
            Some(Suspicion::MemberAccrualsDay)
        );
        assert_eq!(
            limits.exceeded(2, Some(2)),
            Some(Suspicion::CashierMemberDay)
        );
        assert_eq!(limits.exceeded(2, None), None);
    }

    #[test]
    fn settings_of_before_have_the_usual_limits() {
        let limits: Limits = serde_json::from_str("{}").unwrap();
        assert_eq!(limits, Limits::default());
        assert!(limits.checks().iter().all(|(holds, ..)| *holds));
    }
}
