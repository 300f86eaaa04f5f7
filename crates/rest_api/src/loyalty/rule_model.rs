//! What earning rules give and when, as requests and answers have it.

use domain::loyalty::rule;
use domain::money::{BasisPoints, Money, Points};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::wire;

/// What a rule gives.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reward {
    /// A share of the eligible money, beside the base rate.
    ExtraRate {
        /// Basis points of the money.
        #[schema(value_type = i32, minimum = 1, maximum = 100_000, example = 500)]
        rate: BasisPoints,
    },
    /// The base earning multiplied.
    Multiplier {
        /// Basis points: 20000 doubles the base earning.
        #[schema(value_type = i32, minimum = 10_001, maximum = 1_000_000, example = 20_000)]
        factor: BasisPoints,
    },
    /// So many points for the purchase.
    Fixed {
        /// Hundredths of a point.
        #[schema(value_type = i64, minimum = 1, maximum = 1_000_000_000, example = 10_000)]
        points: Points,
    },
}

/// When a rule applies: all conditions must hold, and what is left out does not restrict.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// Only lines of these categories.
    #[schema(value_type = Vec<Code>, max_items = 100)]
    pub categories: Vec<String>,
    /// Only from this total of the bill on.
    #[schema(value_type = Option<wire::Hundredths>)]
    pub minimum: Option<Money>,
    /// Only on these days of the week, 1 = Monday to 7 = Sunday.
    #[schema(value_type = Vec<WeekdayNumber>, max_items = 7)]
    pub weekdays: Vec<u8>,
    /// Only within these hours of the day in the programme's time zone; they may pass midnight.
    pub hours: Option<Hours>,
    /// Only on certain visits to the business.
    pub visit: Option<Visit>,
    /// Only around the member's birthday.
    pub birthday: Option<Birthday>,
    /// Only members of these tiers.
    #[schema(value_type = Vec<Code>, max_items = 20)]
    pub tiers: Vec<String>,
}

/// Hours of the day.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// From this minute of the day, inclusive.
    #[schema(value_type = i32, minimum = 0, maximum = 1_439, example = 480)]
    pub from_minute: u16,
    /// Until this minute of the day, exclusive.
    #[schema(value_type = i32, minimum = 0, maximum = 1_440, example = 660)]
    pub until_minute: u16,
}

/// Which visit to the business.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Visit {
    /// The member's first.
    First {},
    /// The n-th, once.
    Nth {
        /// Which.
        #[schema(value_type = i32, minimum = 1, maximum = 1_000_000, example = 10)]
        n: u32,
    },
    /// Every n-th.
    Every {
        /// Which.
        #[schema(value_type = i32, minimum = 1, maximum = 1_000_000, example = 6)]
        n: u32,
    },
}

/// Days around a birthday.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Birthday {
    /// Days before it.
    #[schema(value_type = i32, minimum = 0, maximum = 60, example = 3)]
    pub days_before: u8,
    /// Days after it.
    #[schema(value_type = i32, minimum = 0, maximum = 60, example = 3)]
    pub days_after: u8,
}

/// A cap to one member in a period.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberCap {
    /// Hundredths of a point.
    #[schema(value_type = wire::Hundredths)]
    pub points: Points,
    /// The period.
    pub period: Period,
}

/// A period in the programme's time zone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
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

/// A schema type for the code of a category or a tier.
#[derive(Debug)]
pub enum Code {}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(32))
            .pattern(Some("^[a-z][a-z0-9_]*$"))
            .into()
    }
}

impl ToSchema for Code {}

/// A schema type for a day of the week.
#[derive(Debug)]
pub enum WeekdayNumber {}

impl PartialSchema for WeekdayNumber {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(7))
            .into()
    }
}

impl ToSchema for WeekdayNumber {}

impl From<Reward> for rule::Reward {
    fn from(reward: Reward) -> Self {
        match reward {
            Reward::ExtraRate { rate } => Self::ExtraRate { rate },
            Reward::Multiplier { factor } => Self::Multiplier { factor },
            Reward::Fixed { points } => Self::Fixed { points },
        }
    }
}

impl From<rule::Reward> for Reward {
    fn from(reward: rule::Reward) -> Self {
        match reward {
            rule::Reward::ExtraRate { rate } => Self::ExtraRate { rate },
            rule::Reward::Multiplier { factor } => Self::Multiplier { factor },
            rule::Reward::Fixed { points } => Self::Fixed { points },
        }
    }
}

impl From<Conditions> for rule::Conditions {
    fn from(conditions: Conditions) -> Self {
        Self {
            categories: conditions.categories.into_iter().collect(),
            minimum: conditions.minimum,
            weekdays: conditions.weekdays.into_iter().collect(),
            hours: conditions.hours.map(|hours| rule::Hours {
                from_minute: hours.from_minute,
                until_minute: hours.until_minute,
            }),
            visit: conditions.visit.map(|visit| match visit {
                Visit::First {} => rule::Visit::First {},
                Visit::Nth { n } => rule::Visit::Nth { n },
                Visit::Every { n } => rule::Visit::Every { n },
            }),
            birthday: conditions.birthday.map(|birthday| rule::Birthday {
                days_before: birthday.days_before,
                days_after: birthday.days_after,
            }),
            tiers: conditions.tiers.into_iter().collect(),
        }
    }
}

impl From<rule::Conditions> for Conditions {
    fn from(conditions: rule::Conditions) -> Self {
        Self {
            categories: conditions.categories.into_iter().collect(),
            minimum: conditions.minimum,
            weekdays: conditions.weekdays.into_iter().collect(),
            hours: conditions.hours.map(|hours| Hours {
                from_minute: hours.from_minute,
                until_minute: hours.until_minute,
            }),
            visit: conditions.visit.map(|visit| match visit {
                rule::Visit::First {} => Visit::First {},
                rule::Visit::Nth { n } => Visit::Nth { n },
                rule::Visit::Every { n } => Visit::Every { n },
            }),
            birthday: conditions.birthday.map(|birthday| Birthday {
                days_before: birthday.days_before,
                days_after: birthday.days_after,
            }),
            tiers: conditions.tiers.into_iter().collect(),
        }
    }
}

impl From<MemberCap> for rule::MemberCap {
    fn from(cap: MemberCap) -> Self {
        Self {
            points: cap.points,
            period: match cap.period {
                Period::Day => rule::Period::Day,
                Period::Week => rule::Period::Week,
                Period::Month => rule::Period::Month,
                Period::Year => rule::Period::Year,
                Period::Always => rule::Period::Always,
            },
        }
    }
}

impl From<rule::MemberCap> for MemberCap {
    fn from(cap: rule::MemberCap) -> Self {
        Self {
            points: cap.points,
            period: match cap.period {
                rule::Period::Day => Period::Day,
                rule::Period::Week => Period::Week,
                rule::Period::Month => Period::Month,
                rule::Period::Year => Period::Year,
                rule::Period::Always => Period::Always,
            },
        }
    }
}
