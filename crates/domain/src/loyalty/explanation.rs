//! Why a purchase earned what it earned, in a form that is stored with it, shown to people and read again by a refund.
//! What is as usual (nothing paid by points, the base rate, no limit reached) is left out of the stored form.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::lot::{Funder, LotOrigin};
use super::wallet::Draw;
use crate::ids::{LotId, RuleId};
use crate::money::{Money, Points};

/// The whole explanation of a purchase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// How each line was paid and what of it could earn.
    pub lines: Vec<LineExplained>,
    /// What each line earned by the base rate and by each rule.
    pub accruals: Vec<AccrualExplained>,
    /// The lots that came of it: when they are active, when they expire, who pays for them.
    pub lots: Vec<LotExplained>,
    /// The lots that paid, in the order of spending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent: Vec<Draw>,
}

/// How a line was paid and what of it could earn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineExplained {
    /// Number on the receipt, from 1.
    pub line: i16,
    /// Category.
    pub category: String,
    /// What it costs.
    pub amount: Money,
    /// What of it points paid.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paid_by_points: Money,
    /// The points that paid it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub points_spent: Points,
    /// The money that can earn.
    pub eligible: Money,
    /// Why not all of it can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Exclusion>,
}

/// Why money earns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// Its category earns nothing.
    CategoryEarnsNothing,
    /// Points paid it.
    PaidByPoints,
}

/// What a line earned by one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccrualExplained {
    /// Number of the line.
    pub line: i16,
    /// The rule; none: the base rate of the business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// Russian name of the rule.
    #[serde(default = "base_ru", skip_serializing_if = "is_base_ru")]
    pub name_ru: String,
    /// English name of the rule.
    #[serde(default = "base_en", skip_serializing_if = "is_base_en")]
    pub name_en: String,
    /// What the rule asked for.
    pub asked: Points,
    /// What was granted.
    pub granted: Points,
    /// Why less was granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clamped_by: Vec<Clamp>,
    /// The lot in which the points are; none if nothing was granted.
    #[serde(rename = "lot_id")]
    pub lot: Option<LotId>,
    /// The first day of the period against whose cap for the member it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_start: Option<NaiveDate>,
    /// Whether it counts against the rule's budget.
    #[serde(default, skip_serializing_if = "is_default")]
    pub budgeted: bool,
}

/// The names of the base rate.
pub const BASE_RU: &str = "Базовое начисление";
/// See [`BASE_RU`].
pub const BASE_EN: &str = "Base rate";

fn base_ru() -> String {
    BASE_RU.to_owned()
}

fn base_en() -> String {
    BASE_EN.to_owned()
}

fn is_base_ru(name: &str) -> bool {
    name == BASE_RU
}

fn is_base_en(name: &str) -> bool {
    name == BASE_EN
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Why a rule gave less than it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clamp {
    /// The rule's cap for one purchase.
    PerPurchase,
    /// The rule's cap for one member and period.
    PerMember,
    /// The rule's budget.
    Budget,
    /// The programme's cap for one purchase.
    ProgrammeCap,
}

/// A lot that a purchase made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotExplained {
    /// The lot.
    #[serde(rename = "lot_id")]
    pub lot: LotId,
    /// What it was given for.
    pub origin: LotOrigin,
    /// Who pays for it.
    pub funder: Funder,
    /// Its points.
    pub points: Points,
    /// When they can first be spent.
    pub activates_at: DateTime<Utc>,
    /// When they can no longer be spent.
    pub expires_at: Option<DateTime<Utc>>,
}
