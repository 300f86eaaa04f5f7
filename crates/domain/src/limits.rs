//! How much may happen without a second look: points given by hand and from member to member.

use serde::{Deserialize, Serialize};

use crate::money::Points;
use crate::programme::Check;

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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            adjustment_alone: Points::from_hundredths(100_000),
            transfer_least: Points::from_hundredths(1_000),
            transfer_daily: Points::from_hundredths(500_000),
            transfer_unproved: Points::from_hundredths(50_000),
        }
    }
}

impl Limits {
    /// Whether an adjustment of so many points, given or taken, waits for a second person.
    #[must_use]
    pub fn wants_second_person(&self, points: Points) -> bool {
        points.hundredths().unsigned_abs() > self.adjustment_alone.hundredths().unsigned_abs()
    }

    /// Whether each limit is possible, where it stands, and what is allowed there.
    pub(crate) fn checks(&self) -> [Check; 4] {
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
    fn settings_of_before_have_the_usual_limits() {
        let limits: Limits = serde_json::from_str("{}").unwrap();
        assert_eq!(limits, Limits::default());
        assert!(limits.checks().iter().all(|(holds, ..)| *holds));
    }
}
