//! Why a purchase earned what it earned, in a form that is stored with it, shown to people and read again by a refund.
//! What is as usual (nothing paid by points, the general category, the base rate, no limit reached, the seller pays) is
//! left out of the stored form.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::lot::{Funder, LotOrigin};
use super::wallet::Draw;
use crate::ids::{BusinessId, LotId, RuleId};
use crate::money::{Money, Points};
use crate::programme::GENERAL_CATEGORY;

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
    #[serde(default = "general", skip_serializing_if = "is_general")]
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

fn general() -> String {
    GENERAL_CATEGORY.to_owned()
}

fn is_general(category: &str) -> bool {
    category == GENERAL_CATEGORY
}

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
    #[serde(default = "purchase", skip_serializing_if = "is_purchase")]
    pub origin: LotOrigin,
    /// Who pays for it; none: the business that sold. See [`Self::paid_by`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funder: Option<Funder>,
    /// Its points.
    pub points: Points,
    /// When they can first be spent.
    pub activates_at: DateTime<Utc>,
    /// When they can no longer be spent.
    pub expires_at: Option<DateTime<Utc>>,
}

impl LotExplained {
    /// Who pays for it, of a purchase at `seller`.
    #[must_use]
    pub fn paid_by(&self, seller: BusinessId) -> Funder {
        self.funder.unwrap_or(Funder::Business(seller))
    }
}

fn purchase() -> LotOrigin {
    LotOrigin::Purchase
}

fn is_purchase(origin: &LotOrigin) -> bool {
    *origin == LotOrigin::Purchase
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_as_usual_is_not_stored_and_may_be() {
        let id = "01a221f7-e4c5-760c-b2a6-b3aab0a313cb";
        let short = json!({
            "lines": [{"line": 1, "amount": 500, "eligible": 500}],
            "accruals": [{"line": 1, "asked": 25, "granted": 25, "lot_id": id}],
            "lots": [{"lot_id": id, "points": 25, "activates_at": "2026-03-02T09:00:00Z", "expires_at": null}],
        });
        let mut long = short.clone();
        long["lines"][0]["category"] = json!("general");
        long["lots"][0]["origin"] = json!("purchase");
        let seller = BusinessId::from(uuid::Uuid::from_u128(7));
        let read = |form: &serde_json::Value| Explanation::deserialize(form).expect("it is whole");
        assert_eq!(read(&long), read(&short));
        assert_eq!(
            serde_json::to_value(read(&long)).expect("it is whole"),
            short
        );
        assert_eq!(
            read(&short).lots[0].paid_by(seller),
            Funder::Business(seller)
        );

        // Another payer, and the form that named every one.
        long["lots"][0]["funder"] = json!({"kind": "programme"});
        assert_eq!(read(&long).lots[0].paid_by(seller), Funder::Programme);
        long["lots"][0]["funder"] = json!({"kind": "business", "business_id": id});
        let other = BusinessId::from(id.parse::<uuid::Uuid>().expect("an id"));
        assert_eq!(read(&long).lots[0].paid_by(seller), Funder::Business(other));
    }
}
