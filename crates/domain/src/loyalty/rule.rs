//! Earning rules: promotions that add to the base rate of a business.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc, Weekday};
use serde::{Deserialize, Serialize};

use super::lot::Funder;
use super::validity::Validity;
use crate::ids::{BusinessId, RuleId};
use crate::money::{BasisPoints, Money, Points};

/// One version of a rule, as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its identifier.
    pub id: RuleId,
    /// Its version, from 1.
    pub version: i32,
    /// Where it holds; none: everywhere.
    pub business: Option<BusinessId>,
    /// Who pays for what it gives.
    pub funder: Funder,
    /// In force from this moment.
    pub effective_from: DateTime<Utc>,
    /// Until this moment, exclusive; none: open.
    pub effective_until: Option<DateTime<Utc>>,
    /// What it gives and when.
    pub definition: RuleDefinition,
}

/// What a rule gives, under which conditions and up to which limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleDefinition {
    /// Russian name, shown to members.
    pub name_ru: String,
    /// English name.
    pub name_en: String,
    /// Switched off rules give nothing.
    pub active: bool,
    /// What it gives.
    pub reward: Reward,
    /// When it applies; all conditions must hold.
    #[serde(default)]
    pub conditions: Conditions,
    /// How much it may give.
    #[serde(default)]
    pub caps: Caps,
    /// Hours to activation, where they differ from the programme's.
    #[serde(default)]
    pub activation_delay_hours: Option<u32>,
    /// Life of its points, where it differs from the programme's.
    #[serde(default)]
    pub validity: Option<Validity>,
}

/// What a rule gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reward {
    /// So many basis points of the eligible money, beside the base rate.
    ExtraRate {
        /// Basis points of the money.
        rate: BasisPoints,
    },
    /// The base earning multiplied; the addition is the factor less the whole.
    Multiplier {
        /// 20 000 doubles the base earning.
        factor: BasisPoints,
    },
    /// So many points for the purchase.
    Fixed {
        /// Hundredths of a point.
        points: Points,
    },
}

/// When a rule applies. What is empty or absent does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// Only lines of these categories.
    pub categories: BTreeSet<String>,
    /// Only from this total of the bill on.
    pub minimum: Option<Money>,
    /// Only on these days of the week, 1 = Monday to 7 = Sunday.
    pub weekdays: BTreeSet<u8>,
    /// Only within these hours of the day in the programme's zone; may pass midnight.
    pub hours: Option<Hours>,
    /// Only on certain visits to the business.
    pub visit: Option<Visit>,
    /// Only around the member's birthday.
    pub birthday: Option<Birthday>,
    /// Only members of these tiers.
    pub tiers: BTreeSet<String>,
}

/// Hours of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// From this minute of the day, inclusive.
    pub from_minute: u16,
    /// Until this minute, exclusive; up to 1440.
    pub until_minute: u16,
}

/// Which visit to the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Visit {
    /// The member's first.
    First {},
    /// The n-th, once.
    Nth {
        /// From 1.
        n: u32,
    },
    /// Every n-th.
    Every {
        /// From 1.
        n: u32,
    },
}

/// Days around a birthday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Birthday {
    /// Days before it.
    pub days_before: u8,
    /// Days after it.
    pub days_after: u8,
}

/// Up to how much a rule gives. Caps clamp.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    /// In one purchase.
    pub per_purchase: Option<Points>,
    /// To one member in a period.
    pub per_member: Option<MemberCap>,
    /// In all.
    pub budget: Option<Points>,
}

/// A cap to one member in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberCap {
    /// Hundredths of a point.
    pub points: Points,
    /// The period.
    pub period: Period,
}

/// A period in the programme's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A day.
    Day,
    /// A week from Monday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
    /// The rule's whole life.
    Always,
}

impl Period {
    /// The first day of the period that a day is in.
    #[must_use]
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        let first = match self {
            Self::Day => Some(day),
            Self::Week => Some(day.week(Weekday::Mon).first_day()),
            Self::Month => day.with_day(1),
            Self::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
            Self::Always => NaiveDate::from_ymd_opt(1970, 1, 1),
        };
        first.unwrap_or(day)
    }
}

impl Hours {
    /// Whether a time of day lies within.
    #[must_use]
    pub fn contain(self, time: NaiveTime) -> bool {
        use chrono::Timelike;
        let minute = time.hour() * 60 + time.minute();
        let (from, until) = (u32::from(self.from_minute), u32::from(self.until_minute));
        if from <= until {
            (from..until).contains(&minute)
        } else {
            minute >= from || minute < until
        }
    }
}

impl Visit {
    /// Whether the visit of that number, from 1, counts.
    #[must_use]
    pub fn matches(self, number: u32) -> bool {
        match self {
            Self::First {} => number == 1,
            Self::Nth { n } => number == n,
            Self::Every { n } => n > 0 && number.is_multiple_of(n),
        }
    }
}

impl Birthday {
    /// Whether a day lies around the birthday's return in the year before, of or after it.
    /// Who was born on 29 February has the birthday on 28 February in other years.
    #[must_use]
    pub fn matches(self, day: NaiveDate, birthday: NaiveDate) -> bool {
        (day.year() - 1..=day.year() + 1).any(|year| {
            let returned = NaiveDate::from_ymd_opt(year, birthday.month(), birthday.day())
                .or_else(|| NaiveDate::from_ymd_opt(year, 2, 28));
            returned.is_some_and(|returned| {
                let distance = (day - returned).num_days();
                (-i64::from(self.days_before)..=i64::from(self.days_after)).contains(&distance)
            })
        })
    }
}

/// A fault in a rule's definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// JSON pointer into the definition.
    pub pointer: &'static str,
    /// What is allowed there.
    pub allowed: &'static str,
}

impl RuleDefinition {
    /// Everything that is wrong with the definition, given what the programme knows.
    #[must_use]
    pub fn faults(
        &self,
        is_category: impl Fn(&str) -> bool,
        is_tier: impl Fn(&str) -> bool,
    ) -> Vec<RuleFault> {
        let named = |name: &str| (1..=100).contains(&name.trim().chars().count());
        let cap = |points: Option<Points>| points.is_none_or(|p| !p.is_negative());
        let hours = |hours: u32| hours <= 8_760;
        let mut checks = vec![
            (named(&self.name_ru), "/name_ru", "1 to 100 characters"),
            (named(&self.name_en), "/name_en", "1 to 100 characters"),
            self.reward.check(),
            (
                cap(self.caps.per_purchase),
                "/caps/per_purchase",
                "0 or more",
            ),
            (
                cap(self.caps.per_member.map(|m| m.points)),
                "/caps/per_member/points",
                "0 or more",
            ),
            (cap(self.caps.budget), "/caps/budget", "0 or more"),
            (
                self.validity.is_none_or(Validity::is_sane),
                "/validity",
                "1 to 36500 days or 1 to 1200 months",
            ),
            (
                self.activation_delay_hours.is_none_or(hours),
                "/activation_delay_hours",
                "0 to 8760",
            ),
        ];
        checks.extend(self.conditions.checks(is_category, is_tier));
        checks
            .into_iter()
            .filter(|(holds, ..)| !holds)
            .map(|(_, pointer, allowed)| RuleFault { pointer, allowed })
            .collect()
    }
}

/// Whether it holds, where, and what is allowed there.
type Check = (bool, &'static str, &'static str);

impl Reward {
    fn check(self) -> Check {
        match self {
            Self::ExtraRate { rate } => (
                (1..=100_000).contains(&rate.get()),
                "/reward/rate",
                "1 to 100000",
            ),
            Self::Multiplier { factor } => (
                (10_001..=1_000_000).contains(&factor.get()),
                "/reward/factor",
                "10001 to 1000000",
            ),
            Self::Fixed { points } => (
                (1..=1_000_000_000).contains(&points.hundredths()),
                "/reward/points",
                "1 to 1000000000",
            ),
        }
    }
}

impl Conditions {
    fn checks(
        &self,
        is_category: impl Fn(&str) -> bool,
        is_tier: impl Fn(&str) -> bool,
    ) -> [Check; 7] {
        let hours = self.hours.is_none_or(|hours| {
            hours.from_minute < 1_440
                && hours.until_minute <= 1_440
                && hours.from_minute != hours.until_minute
        });
        let visit = !matches!(
            self.visit,
            Some(Visit::Nth { n: 0 } | Visit::Every { n: 0 })
        );
        let birthday = self
            .birthday
            .is_none_or(|around| around.days_before <= 60 && around.days_after <= 60);
        [
            (
                self.categories.iter().all(|code| is_category(code)),
                "/conditions/categories",
                "known categories",
            ),
            (
                self.tiers.iter().all(|code| is_tier(code)),
                "/conditions/tiers",
                "known tiers",
            ),
            (
                self.weekdays.iter().all(|day| (1..=7).contains(day)),
                "/conditions/weekdays",
                "1 to 7",
            ),
            (
                self.minimum.is_none_or(|least| !least.is_negative()),
                "/conditions/minimum",
                "0 or more",
            ),
            (
                hours,
                "/conditions/hours",
                "minutes of a day that differ, 0 to 1440",
            ),
            (visit, "/conditions/visit/n", "1 or more"),
            (birthday, "/conditions/birthday", "up to 60 days"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn birthdays_cross_the_year_and_leap_days_return() {
        let around = Birthday {
            days_before: 3,
            days_after: 3,
        };
        assert!(around.matches(day("2026-12-30"), day("1990-01-02")));
        assert!(around.matches(day("2026-01-02"), day("1990-12-31")));
        assert!(!around.matches(day("2026-01-05"), day("1990-12-31")));
        let on = Birthday {
            days_before: 0,
            days_after: 0,
        };
        assert!(on.matches(day("2027-02-28"), day("2000-02-29")));
        assert!(on.matches(day("2028-02-29"), day("2000-02-29")));
        assert!(!on.matches(day("2028-02-28"), day("2000-02-29")));
    }

    #[test]
    fn hours_may_pass_midnight() {
        let night = Hours {
            from_minute: 22 * 60,
            until_minute: 6 * 60,
        };
        let at = |text: &str| text.parse::<NaiveTime>().expect("a time");
        assert!(night.contain(at("23:59:59")) && night.contain(at("05:59:00")));
        assert!(!night.contain(at("06:00:00")) && !night.contain(at("21:59:00")));
    }

    #[test]
    fn periods_begin_on_their_first_day() {
        assert_eq!(Period::Week.start(day("2026-03-01")), day("2026-02-23"));
        assert_eq!(Period::Month.start(day("2026-03-31")), day("2026-03-01"));
        assert_eq!(Period::Year.start(day("2026-03-31")), day("2026-01-01"));
    }
}
