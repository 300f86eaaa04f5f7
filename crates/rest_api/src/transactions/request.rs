//! A purchase as a till sends it.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, HoldId, LocationId};
use domain::loyalty::basket::{BasketInput, LineInput};
use domain::loyalty::purchase::Spend;
use domain::member_code::{MemberCode, MemberNumber};
use domain::money::{Money, Points};
use domain::text::Text;
use http_kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use services::context::Context;
use services::loyalty::post_purchase::PurchaseRequest;
use services::members::{MemberReference, read_found};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::MAX_HUNDREDTHS;

/// Who buys; exactly one of the fields. A phone, card number or customer number is enough to earn; the rotating code is
/// needed to spend.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "phone": "+79161234567" }))]
pub struct MemberIn {
    /// The phone. Somebody unknown earns too; the points wait until the person joins.
    #[schema(
        min_length = 5,
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234567"
    )]
    pub phone: Option<String>,
    /// The number on the card: 12 digits, or 13 as scanned from its bar code.
    #[schema(
        min_length = 12,
        max_length = 13,
        pattern = "^[0-9]{12,13}$",
        example = "400000000017"
    )]
    pub card_number: Option<String>,
    /// The rotating code as scanned.
    #[schema(
        min_length = 10,
        max_length = 64,
        example = "SK1.012345678901.12345678"
    )]
    pub code: Option<String>,
    /// The business's own customer number.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "client-17")]
    pub customer_id: Option<String>,
    /// Somebody whom this business found by the end of the phone within the last quarter of an hour: to earn, never to spend.
    #[schema(
        min_length = 10,
        max_length = 100,
        pattern = "^ocf_[A-Za-z0-9_-]+$",
        example = "ocf_AZyt9GyAcACAAAAAAAAAAQ"
    )]
    pub found: Option<String>,
}

/// One line of a receipt.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineIn {
    /// The category; `general` when left out.
    #[schema(max_length = 32, pattern = "^[a-z][a-z0-9_]*$", example = "food")]
    pub category: Option<String>,
    /// What it costs, in hundredths of the currency.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 45_000)]
    pub amount: i64,
}

/// A purchase. Either `lines`, or the whole with the parts of it that earn nothing or that points may not pay.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "receipt_number": "A-000123", "member": { "phone": "+79161234567" }, "cashier": "Olga", "total": 45_000,
    "lines": [{ "category": "food", "amount": 45_000 }],
}))]
pub struct PurchaseIn {
    /// The business; needed only by a person who works at several.
    pub business_id: Option<Uuid>,
    /// The outlet.
    pub location_id: Option<Uuid>,
    /// The cashier as the till names him.
    #[schema(min_length = 1, max_length = 100, example = "Olga")]
    pub cashier: Option<String>,
    /// The receipt's number, unique for ever within the business.
    #[schema(min_length = 1, max_length = 100, example = "A-000123")]
    pub receipt_number: String,
    /// Who buys.
    pub member: MemberIn,
    /// The whole bill in hundredths of the currency; the sum of the lines, if there are lines.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 45_000)]
    pub total: i64,
    /// The lines of the receipt.
    #[schema(min_items = 1, max_items = 500)]
    pub lines: Option<Vec<LineIn>>,
    /// The part of the total that earns nothing; only without lines.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 0)]
    pub not_earning: Option<i64>,
    /// The part of the total that points may not pay; only without lines.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 0)]
    pub not_payable: Option<i64>,
    /// The points that are to pay, in hundredths of a point; with `hold_id` all of the hold or less.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 0)]
    pub points: Option<i64>,
    /// The hold that is to pay.
    pub hold_id: Option<Uuid>,
    /// When it was bought; now when left out.
    pub occurred_at: Option<DateTime<Utc>>,
}

impl MemberIn {
    /// The member as the services take it.
    ///
    /// # Errors
    /// Everything that is wrong, with pointers that begin with `at`.
    pub fn reference(&self, ctx: &Context, at: &str) -> Result<MemberReference, Vec<FieldError>> {
        let wrong = |field: &str, code: &'static str, detail: String| {
            vec![FieldError {
                pointer: format!("{at}{field}"),
                code: code.into(),
                detail,
            }]
        };
        match (
            &self.phone,
            &self.card_number,
            &self.code,
            &self.customer_id,
            &self.found,
        ) {
            (Some(phone), None, None, None, None) => {
                domain::phone::Phone::parse(phone, ctx.config().default_region)
                    .map(MemberReference::Phone)
                    .map_err(|error| wrong("/phone", "bad_format", error.to_string()))
            }
            (None, Some(number), None, None, None) => MemberNumber::parse(number)
                .map(MemberReference::Number)
                .map_err(|error| wrong("/card_number", "bad_format", error.to_string())),
            (None, None, Some(code), None, None) => MemberCode::parse(code)
                .map(|code| MemberReference::Code(code, ctx.clock().now()))
                .map_err(|error| wrong("/code", "bad_format", error.to_string())),
            (None, None, None, Some(id), None) => Text::<100>::new(id)
                .map(|id| MemberReference::Alias(id.into_string()))
                .map_err(|error| wrong("/customer_id", "bad_format", error.to_string())),
            (None, None, None, None, Some(found)) => read_found(ctx, found).ok_or_else(|| {
                let old = "not found here within the last quarter of an hour".to_owned();
                wrong("/found", "bad_format", old)
            }),
            _ => Err(wrong(
                "",
                "one_of",
                "exactly one of phone, card_number, code, customer_id and found".to_owned(),
            )),
        }
    }
}

impl PurchaseIn {
    /// The purchase as the services take it.
    ///
    /// # Errors
    /// Everything that is wrong beyond what the schema says.
    pub fn into_request(self, ctx: &Context) -> Result<PurchaseRequest, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut wrong = |pointer: &str, code: &'static str, detail: &str| {
            errors.push(FieldError {
                pointer: pointer.to_owned(),
                code: code.into(),
                detail: detail.to_owned(),
            });
        };
        let text = |value: &str| Text::<100>::new(value).map(Text::into_string);
        let receipt_number = text(&self.receipt_number).unwrap_or_else(|error| {
            wrong("/receipt_number", "bad_format", &error.to_string());
            String::new()
        });
        let cashier = self.cashier.as_deref().and_then(|cashier| {
            text(cashier)
                .map_err(|error| wrong("/cashier", "bad_format", &error.to_string()))
                .ok()
        });
        for (pointer, amount) in [
            ("/not_earning", self.not_earning),
            ("/not_payable", self.not_payable),
        ] {
            if amount.is_some() && self.lines.is_some() {
                wrong(
                    pointer,
                    "not_allowed",
                    "lines say by their categories what earns and what points may pay",
                );
            }
        }
        let member = self.member.reference(ctx, "/member");
        let basket = self.basket();
        let spend = match (
            self.hold_id.map(HoldId::from),
            self.points.map(Points::from_hundredths),
        ) {
            (Some(hold), points) => Spend::Hold(hold, points),
            (None, Some(points)) => Spend::Points(points),
            (None, None) => Spend::Nothing,
        };
        match member {
            Ok(member) if errors.is_empty() => Ok(PurchaseRequest {
                business: self.business_id.map(BusinessId::from),
                location: self.location_id.map(LocationId::from),
                cashier,
                receipt_number,
                member,
                basket,
                spend,
                occurred_at: self.occurred_at,
            }),
            member => {
                errors.extend(member.err().unwrap_or_default());
                Err(errors)
            }
        }
    }

    fn basket(&self) -> BasketInput {
        let money = Money::from_hundredths;
        match &self.lines {
            Some(lines) => BasketInput::Lines {
                lines: lines
                    .iter()
                    .map(|line| LineInput {
                        category: line.category.clone(),
                        amount: money(line.amount),
                    })
                    .collect(),
                total: Some(money(self.total)),
            },
            None => BasketInput::Amounts {
                total: money(self.total),
                not_earning: money(self.not_earning.unwrap_or(0)),
                not_payable: money(self.not_payable.unwrap_or(0)),
            },
        }
    }
}

const _: () = assert!(
    MAX_HUNDREDTHS == 1_000_000_000_000,
    "the schemas above repeat the bound of wire::Hundredths"
);
