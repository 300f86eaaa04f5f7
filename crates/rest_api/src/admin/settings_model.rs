//! The programme's settings in JSON.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::money::{BasisPoints, Money, PointValue, Points};
use domain::programme::{self, ProgrammeSettings};
use domain::text::Text;
use http::header;
use http_kit::etag::etag;
use http_kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use services::programme::Programme;
use utoipa::ToSchema;

use super::limits_model::Limits;
use crate::loyalty::tier_model::TierMeasure;
use crate::loyalty::validity_model::Validity;
use crate::wire;

/// The settings at one version.
#[derive(Serialize, ToSchema)]
pub struct VersionedSettings {
    /// The settings.
    pub settings: Settings,
    /// The version, as it stands in the `ETag`.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// When they last changed.
    pub updated_at: DateTime<Utc>,
}

/// The settings of the programme, all of them.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name that members see.
    #[schema(min_length = 1, max_length = 100, example = "Свой Круг")]
    pub name: String,
    /// ISO 4217 code of the currency.
    #[schema(
        min_length = 3,
        max_length = 3,
        pattern = "^[A-Z]{3}$",
        example = "RUB"
    )]
    pub currency: String,
    /// The IANA zone in which days begin and end.
    #[schema(min_length = 1, max_length = 64, example = "Europe/Moscow")]
    pub time_zone: String,
    /// What one whole point pays, in hundredths of the currency.
    #[schema(value_type = i64, minimum = 1, maximum = 1_000_000, example = 100)]
    pub point_value: PointValue,
    /// The share of a bill that points may pay where the business names none, in basis points.
    #[schema(value_type = i32, minimum = 0, maximum = 10_000, example = 5_000)]
    pub share_cap: BasisPoints,
    /// Hours from earning to activation; 0: at once.
    #[schema(value_type = i32, minimum = 0, maximum = 8_760, example = 0)]
    pub activation_delay_hours: u32,
    /// How long points live after activation.
    pub validity: Validity,
    /// What a refund may take back beyond the points that are still there.
    pub clawback: ClawbackPolicy,
    /// Days that an expired lot lives on when a refund gives points back to it.
    #[schema(value_type = i32, minimum = 0, maximum = 365, example = 14)]
    pub refund_grace_days: u32,
    /// What counts toward a tier.
    pub tier_measure: TierMeasure,
    /// Days over which it counts.
    #[schema(value_type = i32, minimum = 1, maximum = 3_650, example = 365)]
    pub tier_window_days: u32,
    /// The most, in money, that any business may let members spend at once without their code.
    #[schema(value_type = wire::Hundredths, example = 100_000)]
    pub spend_without_code_at_most: Money,
    /// Minutes that a hold lasts when its caller names none.
    #[schema(value_type = i32, minimum = 1, maximum = 1_440, example = 15)]
    pub hold_minutes: u32,
    /// Hours by which a till may send a purchase late.
    #[schema(value_type = i32, minimum = 0, maximum = 8_760, example = 72)]
    pub late_receipt_hours: u32,
    /// The most points that one purchase may earn, in hundredths; null: no such limit.
    #[schema(value_type = Option<wire::Hundredths>, required = true)]
    pub max_earned_per_purchase: Option<Points>,
    /// How much may happen without a second look; the usual limits when left out.
    #[serde(default)]
    pub limits: Limits,
    /// The categories of goods that a line may name; `general` is always among them.
    #[schema(min_items = 1, max_items = 500)]
    pub categories: Vec<Category>,
}

/// A category of goods and services.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Its code, as lines name it.
    #[schema(
        min_length = 1,
        max_length = 32,
        pattern = "^[a-z][a-z0-9_]*$",
        example = "general"
    )]
    pub code: String,
    /// Russian name.
    #[schema(min_length = 1, max_length = 60, example = "Еда и напитки")]
    pub name_ru: String,
    /// English name.
    #[schema(min_length = 1, max_length = 60, example = "Food and drinks")]
    pub name_en: String,
    /// Whether money paid for it earns points.
    pub earns: bool,
    /// Whether points may pay for it.
    pub payable: bool,
}

/// How far a refund goes after points that it takes back were already spent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClawbackPolicy {
    /// Only points that are not active yet.
    PendingOnly,
    /// Any points that the member has, down to zero.
    DownToZero,
    /// All of it; what is missing becomes debt.
    IntoDebt,
}

impl From<programme::ClawbackPolicy> for ClawbackPolicy {
    fn from(policy: programme::ClawbackPolicy) -> Self {
        match policy {
            programme::ClawbackPolicy::PendingOnly => Self::PendingOnly,
            programme::ClawbackPolicy::DownToZero => Self::DownToZero,
            programme::ClawbackPolicy::IntoDebt => Self::IntoDebt,
        }
    }
}

impl From<ClawbackPolicy> for programme::ClawbackPolicy {
    fn from(policy: ClawbackPolicy) -> Self {
        match policy {
            ClawbackPolicy::PendingOnly => Self::PendingOnly,
            ClawbackPolicy::DownToZero => Self::DownToZero,
            ClawbackPolicy::IntoDebt => Self::IntoDebt,
        }
    }
}

impl Settings {
    /// The settings as the use case takes them.
    ///
    /// # Errors
    /// Everything that is wrong beyond what the schema says.
    pub fn read(self) -> Result<ProgrammeSettings, Vec<FieldError>> {
        let mut errors = Vec::new();
        let name = text::<100>(&self.name, || "/name".to_owned(), &mut errors);
        let categories = read_categories(self.categories, &mut errors);
        let zone = self.time_zone.parse().map_err(|_| {
            let detail = "must be a time zone of the IANA database";
            errors.push(wrong("/time_zone".to_owned(), "unknown_value", detail));
        });
        match zone {
            Ok(time_zone) if errors.is_empty() => Ok(ProgrammeSettings {
                name,
                currency: self.currency,
                time_zone,
                point_value: self.point_value,
                share_cap: self.share_cap,
                activation_delay_hours: self.activation_delay_hours,
                validity: self.validity.into(),
                clawback: self.clawback.into(),
                refund_grace_days: self.refund_grace_days,
                tier_measure: self.tier_measure.into(),
                tier_window_days: self.tier_window_days,
                spend_without_code_at_most: self.spend_without_code_at_most,
                hold_minutes: self.hold_minutes,
                late_receipt_hours: self.late_receipt_hours,
                max_earned_per_purchase: self.max_earned_per_purchase,
                limits: self.limits.into(),
                categories,
            }),
            _ => Err(errors),
        }
    }
}

fn read_categories(
    categories: Vec<Category>,
    errors: &mut Vec<FieldError>,
) -> BTreeMap<String, programme::Category> {
    let mut by_code = BTreeMap::new();
    for (index, category) in categories.into_iter().enumerate() {
        let at = |field: &str| format!("/categories/{index}/{field}");
        let read = programme::Category {
            name_ru: text::<60>(&category.name_ru, || at("name_ru"), errors),
            name_en: text::<60>(&category.name_en, || at("name_en"), errors),
            earns: category.earns,
            payable: category.payable,
        };
        match by_code.entry(category.code) {
            Entry::Vacant(place) => {
                place.insert(read);
            }
            Entry::Occupied(_) => errors.push(wrong(
                at("code"),
                "duplicate",
                "another category has this code",
            )),
        }
    }
    by_code
}

/// The text without spaces at its ends; empty, and an error more, when it is not one that is taken.
fn text<const MAX: usize>(
    value: &str,
    pointer: impl Fn() -> String,
    errors: &mut Vec<FieldError>,
) -> String {
    Text::<MAX>::new(value).map_or_else(
        |error| {
            errors.push(wrong(pointer(), "bad_format", error.to_string()));
            String::new()
        },
        Text::into_string,
    )
}

fn wrong(pointer: String, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError {
        pointer,
        code: code.into(),
        detail: detail.into(),
    }
}

impl From<&ProgrammeSettings> for Settings {
    fn from(settings: &ProgrammeSettings) -> Self {
        Self {
            name: settings.name.clone(),
            currency: settings.currency.clone(),
            time_zone: settings.time_zone.name().to_owned(),
            point_value: settings.point_value,
            share_cap: settings.share_cap,
            activation_delay_hours: settings.activation_delay_hours,
            validity: settings.validity.into(),
            clawback: settings.clawback.into(),
            refund_grace_days: settings.refund_grace_days,
            tier_measure: settings.tier_measure.into(),
            tier_window_days: settings.tier_window_days,
            spend_without_code_at_most: settings.spend_without_code_at_most,
            hold_minutes: settings.hold_minutes,
            late_receipt_hours: settings.late_receipt_hours,
            max_earned_per_purchase: settings.max_earned_per_purchase,
            limits: Limits::from(&settings.limits),
            categories: settings
                .categories
                .iter()
                .map(|(code, category)| Category {
                    code: code.clone(),
                    name_ru: category.name_ru.clone(),
                    name_en: category.name_en.clone(),
                    earns: category.earns,
                    payable: category.payable,
                })
                .collect(),
        }
    }
}

impl From<&Programme> for VersionedSettings {
    fn from(programme: &Programme) -> Self {
        Self {
            settings: Settings::from(&programme.settings),
            version: programme.version,
            updated_at: programme.updated_at,
        }
    }
}

impl IntoResponse for VersionedSettings {
    fn into_response(self) -> Response {
        ([(header::ETAG, etag(self.version))], Json(self)).into_response()
    }
}
