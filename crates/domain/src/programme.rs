//! The programme's settings: what the operator decides once for all businesses.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::loyalty::tier::TierMeasure;
use crate::loyalty::validity::Validity;
use crate::money::{BasisPoints, Money, PointValue, Points};

/// The category of a line that names none.
pub const GENERAL_CATEGORY: &str = "general";

/// The settings of the one programme that a deployment serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeSettings {
    /// The name that members see.
    pub name: String,
    /// ISO 4217 code of the programme's currency.
    pub currency: String,
    /// The zone in which days begin and end.
    pub time_zone: Tz,
    /// What one point pays.
    pub point_value: PointValue,
    /// The share of a bill that points may pay where the business names none.
    pub share_cap: BasisPoints,
    /// Hours from earning to activation; 0: at once.
    pub activation_delay_hours: u32,
    /// How long points live after activation.
    pub validity: Validity,
    /// What a refund may take back beyond the points that are still there.
    pub clawback: ClawbackPolicy,
    /// Days that an expired lot lives on when a refund gives points back to it.
    pub refund_grace_days: u32,
    /// What counts toward a tier.
    pub tier_measure: TierMeasure,
    /// Days over which it counts.
    pub tier_window_days: u32,
    /// The most, in money, that any business may let members spend at once without strong proof.
    #[serde(default = "spend_without_code_at_most")]
    pub spend_without_code_at_most: Money,
    /// Minutes that a hold lasts when its caller names none.
    pub hold_minutes: u32,
    /// Hours by which a till may send a purchase late.
    pub late_receipt_hours: u32,
    /// The most points that one purchase may earn; none: no such limit.
    pub max_earned_per_purchase: Option<Points>,
    /// How much may happen without a second look. Settings from before there were limits have the usual ones.
    #[serde(default)]
    pub limits: Limits,
    /// The categories of goods that a line may name.
    pub categories: BTreeMap<String, Category>,
}

/// A category of goods and services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Russian name.
    pub name_ru: String,
    /// English name.
    pub name_en: String,
    /// Whether money paid for it earns points.
    pub earns: bool,
    /// Whether points may pay for it.
    pub payable: bool,
}

/// How far a refund goes after points that it takes back were already spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClawbackPolicy {
    /// Only points that are not active yet.
    PendingOnly,
    /// Any points that the member has, down to zero.
    DownToZero,
    /// All of it; what is missing becomes debt.
    IntoDebt,
}

impl ProgrammeSettings {
    /// The settings that a new programme starts with.
    #[must_use]
    pub fn starting(name: &str, currency: &str, time_zone: Tz) -> Self {
        let category = |name_ru: &str, name_en: &str, earns, payable| Category {
            name_ru: name_ru.to_owned(),
            name_en: name_en.to_owned(),
            earns,
            payable,
        };
        Self {
            name: name.to_owned(),
            currency: currency.to_owned(),
            time_zone,
            point_value: PointValue::new(Money::from_hundredths(100)),
            share_cap: BasisPoints::new(5_000),
            activation_delay_hours: 0,
            validity: Validity::Days { count: 365 },
            clawback: ClawbackPolicy::IntoDebt,
            refund_grace_days: 14,
            tier_measure: TierMeasure::NetSpend,
            tier_window_days: 365,
            spend_without_code_at_most: spend_without_code_at_most(),
            hold_minutes: 15,
            late_receipt_hours: 72,
            max_earned_per_purchase: None,
            limits: Limits::default(),
            categories: BTreeMap::from([
                (
                    GENERAL_CATEGORY.to_owned(),
                    category("Товары и услуги", "Goods and services", true, true),
                ),
                (
                    "food".to_owned(),
                    category("Еда и напитки", "Food and drinks", true, true),
                ),
                (
                    "services".to_owned(),
                    category("Услуги", "Services", true, true),
                ),
                (
                    "alcohol".to_owned(),
                    category("Алкоголь", "Alcohol", true, false),
                ),
                (
                    "tobacco".to_owned(),
                    category("Табак", "Tobacco", false, false),
                ),
                (
                    "gift_card".to_owned(),
                    category("Подарочная карта", "Gift card", false, true),
                ),
            ]),
        }
    }

    /// Everything that is wrong with these settings, as (JSON pointer, what is allowed).
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let checks = self.of_names().into_iter().chain(self.of_numbers());
        let checks = checks.chain(self.limits.checks());
        let broken = checks.filter(|(holds, ..)| !holds);
        broken
            .map(|(_, pointer, allowed)| (pointer, allowed))
            .collect()
    }

    fn of_names(&self) -> [Check; 4] {
        let name = (1..=100).contains(&self.name.trim().chars().count());
        let letters = self.currency.bytes().all(|b| b.is_ascii_uppercase());
        let currency = self.currency.len() == 3 && letters;
        let general = self.categories.contains_key(GENERAL_CATEGORY);
        let categories = general && self.categories.len() <= 500;
        let codes = self.categories.keys().all(|code| is_code(code));
        [
            (name, "/name", "1 to 100 characters"),
            (currency, "/currency", "three capital letters (ISO 4217)"),
            (
                categories,
                "/categories",
                "up to 500, among them \"general\"",
            ),
            (
                codes,
                "/categories",
                "codes of small Latin letters, digits and underscores, 32 at most",
            ),
        ]
    }

    fn of_numbers(&self) -> [Check; 10] {
        let value = (1..=1_000_000).contains(&self.point_value.money().hundredths());
        let share = self.share_cap <= BasisPoints::WHOLE;
        let delay = self.activation_delay_hours <= 8_760;
        let validity = self.validity.is_sane();
        let grace = self.refund_grace_days <= 365;
        let window = (1..=3_650).contains(&self.tier_window_days);
        let hold = (1..=1_440).contains(&self.hold_minutes);
        let late = self.late_receipt_hours <= 8_760;
        let unproven = !self.spend_without_code_at_most.is_negative();
        let most = self
            .max_earned_per_purchase
            .is_none_or(|most| !most.is_negative());
        [
            (value, "/point_value", "1 to 1000000"),
            (share, "/share_cap", "0 to 10000"),
            (delay, "/activation_delay_hours", "0 to 8760"),
            (validity, "/validity", "1 to 36500 days or 1 to 1200 months"),
            (grace, "/refund_grace_days", "0 to 365"),
            (window, "/tier_window_days", "1 to 3650"),
            (unproven, "/spend_without_code_at_most", "0 or more"),
            (hold, "/hold_minutes", "1 to 1440"),
            (late, "/late_receipt_hours", "0 to 8760"),
            (most, "/max_earned_per_purchase", "0 or more, or null"),
        ]
    }
}

/// A thousand units of the currency: what settings from before there was a ceiling have.
fn spend_without_code_at_most() -> Money {
    Money::from_hundredths(100_000)
}

/// Whether it holds, where, and what is allowed there.
pub(crate) type Check = (bool, &'static str, &'static str);

/// Whether a text is a code: small Latin letters, digits and underscores, beginning with a letter.
#[must_use]
pub fn is_code(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
