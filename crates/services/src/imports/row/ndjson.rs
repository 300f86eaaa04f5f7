//! Rows of NDJSON: one JSON object a line, as an ordinary post of a purchase takes it, but without spending.

use domain::loyalty::basket::{BasketInput, LineInput, MAX_LINES};
use domain::member_code::MemberNumber;
use domain::money::Money;
use domain::phone::Phone;
use serde::Deserialize;
use serde_path_to_error::{Path, Segment};
use uuid::Uuid;

use super::{ReadRow, RowCode, RowFault, RowPurchase, RowReader};
use crate::imports::values::{self, MAX_AMOUNT, OUT_OF_RANGE};
use crate::members::MemberReference;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    business_id: Option<Uuid>,
    location_id: Option<Uuid>,
    cashier: Option<String>,
    receipt_number: String,
    member: Member,
    total: i64,
    lines: Option<Vec<Line>>,
    not_earning: Option<i64>,
    not_payable: Option<i64>,
    points: Option<i64>,
    hold_id: Option<Uuid>,
    occurred_at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    phone: Option<String>,
    card_number: Option<String>,
    code: Option<String>,
    customer_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    category: Option<String>,
    amount: i64,
}

/// Reads a line.
pub(super) fn read(reader: &RowReader, text: &str) -> ReadRow {
    // An array would do for the reader below, which takes it as the fields in their order.
    if !text.trim_start().starts_with('{') {
        let fault = RowFault::whole(RowCode::InvalidJson, "the line is not a JSON object");
        return (None, Err(fault));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let object = serde_path_to_error::deserialize::<_, Object>(&mut json)
        .map_err(|error| fault_of(&error))
        .and_then(|object| match json.end() {
            Ok(()) => Ok(object),
            Err(_) => Err(RowFault::whole(
                RowCode::InvalidJson,
                "something stands behind the object",
            )),
        });
    match object {
        Ok(object) => match values::line(&object.receipt_number, "/receipt_number") {
            Ok(receipt) => (Some(receipt.clone()), purchase(reader, object, receipt)),
            Err(fault) => (None, Err(fault)),
        },
        Err(fault) => (None, Err(fault)),
    }
}

fn purchase(
    reader: &RowReader,
    object: Object,
    receipt_number: String,
) -> Result<RowPurchase, RowFault> {
    if object.points.is_some_and(|points| points != 0) || object.hold_id.is_some() {
        let place = if object.hold_id.is_some() {
            "/hold_id"
        } else {
            "/points"
        };
        return Err(RowFault::at(
            place,
            RowCode::SpendingNotAllowed,
            "a file can't spend points",
        ));
    }
    if object
        .business_id
        .is_some_and(|business| business != reader.business.as_uuid())
    {
        return Err(RowFault::at(
            "/business_id",
            RowCode::NotAllowed,
            "the file is another business's",
        ));
    }
    let cashier = object
        .cashier
        .as_deref()
        .map(|cashier| values::line(cashier, "/cashier"));
    Ok(RowPurchase {
        receipt_number,
        member: member(reader, &object.member)?,
        cashier: cashier.transpose()?,
        location: object.location_id.map(Into::into),
        occurred_at: values::moment(&object.occurred_at, reader.zone, "/occurred_at")?,
        basket: basket(object)?,
    })
}

fn member(reader: &RowReader, member: &Member) -> Result<MemberReference, RowFault> {
    let bad = |place: &str, error: String| RowFault::at(place, RowCode::BadFormat, &error);
    match (
        &member.phone,
        &member.card_number,
        &member.code,
        &member.customer_id,
    ) {
        (Some(phone), None, None, None) => Phone::parse(phone, reader.region)
            .map(MemberReference::Phone)
            .map_err(|error| bad("/member/phone", error.to_string())),
        (None, Some(number), None, None) => MemberNumber::parse(number)
            .map(MemberReference::Number)
            .map_err(|error| bad("/member/card_number", error.to_string())),
        (None, None, None, Some(customer)) => {
            values::line(customer, "/member/customer_id").map(MemberReference::Alias)
        }
        (None, None, Some(_), None) => Err(RowFault::at(
            "/member/code",
            RowCode::NotAllowed,
            "a rotating code is worth nothing in a file",
        )),
        _ => Err(RowFault::at(
            "/member",
            RowCode::OneOf,
            "exactly one of phone, card_number and customer_id",
        )),
    }
}

fn basket(object: Object) -> Result<BasketInput, RowFault> {
    let total = money(object.total, "/total")?;
    let not_earning = object.not_earning.map(|part| money(part, "/not_earning"));
    let not_payable = object.not_payable.map(|part| money(part, "/not_payable"));
    let (not_earning, not_payable) = (not_earning.transpose()?, not_payable.transpose()?);
    let Some(lines) = object.lines else {
        return Ok(BasketInput::Amounts {
            total,
            not_earning: not_earning.unwrap_or_default(),
            not_payable: not_payable.unwrap_or_default(),
        });
    };
    if not_earning.is_some() || not_payable.is_some() {
        return Err(RowFault::at(
            "/lines",
            RowCode::NotAllowed,
            "lines say by their categories what earns and what points may pay",
        ));
    }
    if lines.is_empty() || lines.len() > MAX_LINES {
        return Err(RowFault::at(
            "/lines",
            RowCode::BadFormat,
            "a purchase has 1 to 500 lines",
        ));
    }
    let lines = lines.into_iter().enumerate().map(|(index, line)| {
        Ok(LineInput {
            category: line.category,
            amount: money(line.amount, &format!("/lines/{index}/amount"))?,
        })
    });
    Ok(BasketInput::Lines {
        lines: lines.collect::<Result<_, _>>()?,
        total: Some(total),
    })
}

fn money(hundredths: i64, place: &str) -> Result<Money, RowFault> {
    if (0..=MAX_AMOUNT).contains(&hundredths) {
        Ok(Money::from_hundredths(hundredths))
    } else {
        Err(RowFault::at(place, RowCode::AmountOutOfRange, OUT_OF_RANGE))
    }
}

/// What the JSON reader said, without the values: they may be phones.
fn fault_of(error: &serde_path_to_error::Error<serde_json::Error>) -> RowFault {
    let message = error.inner().to_string();
    let (code, detail) = match message.as_str() {
        text if text.starts_with("unknown field") => {
            (RowCode::UnknownField, "there is no such field")
        }
        text if text.starts_with("missing field") => (RowCode::MissingValue, "a field is missing"),
        text if text.starts_with("duplicate field") => {
            (RowCode::NotAllowed, "a field stands twice")
        }
        text if text.starts_with("invalid value") => {
            (RowCode::BadFormat, "the value can't be read")
        }
        _ if error.inner().is_data() => (RowCode::WrongType, "the value is of another type"),
        _ => (RowCode::InvalidJson, "the line is not a JSON object"),
    };
    let place = pointer(error.path());
    // The name of a field of ours may be told; one that is made up may hold anything.
    let named = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    match (code, named) {
        (RowCode::MissingValue, Some(name)) => {
            RowFault::at(&format!("{place}/{name}"), code, detail)
        }
        (RowCode::InvalidJson, _) => RowFault::whole(code, detail),
        _ => RowFault::at(&place, code, detail),
    }
}

fn pointer(path: &Path) -> String {
    let steps = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => {
            let key: String = key.chars().take(40).collect();
            format!("/{}", key.replace('~', "~0").replace('/', "~1"))
        }
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::reader;
    use super::*;
    use crate::imports::format::ImportFormat;

    fn read_text(text: &str) -> ReadRow {
        read(&reader(ImportFormat::Ndjson, None), text)
    }

    /// A good object with some fields replaced; null takes one away.
    fn with(changes: Value) -> ReadRow {
        let mut object = json!({
            "receipt_number": "A-1",
            "occurred_at": "2026-03-02T12:00:00Z",
            "member": { "customer_id": "client-17" },
            "total": 500,
        });
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                object.as_object_mut().unwrap().remove(name);
            } else {
                object[name] = value.clone();
            }
        }
        read_text(&object.to_string())
    }

    #[test]
    fn amounts_and_lines() {
        let (receipt, purchase) =
            with(json!({ "not_earning": 100, "cashier": "Ольга", "points": 0 }));
        assert_eq!(receipt.as_deref(), Some("A-1"));
        let purchase = purchase.unwrap();
        assert_eq!(purchase.total(), Some(500));
        assert_eq!(purchase.cashier.as_deref(), Some("Ольга"));
        let lines = json!([{ "amount": 200 }, { "category": "food", "amount": 300 }]);
        let purchase = with(json!({ "lines": lines })).1.unwrap();
        assert!(
            matches!(purchase.basket, BasketInput::Lines { ref lines, .. } if lines.len() == 2)
        );
        assert_eq!(purchase.total(), Some(500));
    }

    type Faulty = (Value, RowCode, &'static str);

    /// Changes that make a wrong value, with the fault and its place.
    fn wrong_values() -> Vec<Faulty> {
        vec![
            (
                json!({ "receipt_number": null }),
                RowCode::MissingValue,
                "/receipt_number",
            ),
            (
                json!({ "occurred_at": null }),
                RowCode::MissingValue,
                "/occurred_at",
            ),
            (
                json!({ "receipt_number": " " }),
                RowCode::BadFormat,
                "/receipt_number",
            ),
            (
                json!({ "occurred_at": "now" }),
                RowCode::BadFormat,
                "/occurred_at",
            ),
            (json!({ "total": "5" }), RowCode::WrongType, "/total"),
            (json!({ "total": 5.5 }), RowCode::WrongType, "/total"),
            (json!({ "total": -1 }), RowCode::AmountOutOfRange, "/total"),
            (
                json!({ "total": 1_000_000_000_001_i64 }),
                RowCode::AmountOutOfRange,
                "/total",
            ),
            (json!({ "total": u64::MAX }), RowCode::BadFormat, "/total"),
            (json!({ "colour": 1 }), RowCode::UnknownField, "/colour"),
        ]
    }

    /// Changes that make a purchase that no file may have.
    fn wrong_purchases() -> Vec<Faulty> {
        vec![
            (
                json!({ "points": 5 }),
                RowCode::SpendingNotAllowed,
                "/points",
            ),
            (
                json!({ "hold_id": Uuid::nil() }),
                RowCode::SpendingNotAllowed,
                "/hold_id",
            ),
            (
                json!({ "business_id": Uuid::nil() }),
                RowCode::NotAllowed,
                "/business_id",
            ),
            (json!({ "member": {} }), RowCode::OneOf, "/member"),
            (
                json!({ "member": { "code": "SK1" } }),
                RowCode::NotAllowed,
                "/member/code",
            ),
            (
                json!({ "member": { "phone": "1" } }),
                RowCode::BadFormat,
                "/member/phone",
            ),
            (json!({ "lines": [] }), RowCode::BadFormat, "/lines"),
            (
                json!({ "lines": [{ "amount": -1 }] }),
                RowCode::AmountOutOfRange,
                "/lines/0/amount",
            ),
            (
                json!({ "lines": [{ "amount": 5 }], "not_payable": 1 }),
                RowCode::NotAllowed,
                "/lines",
            ),
        ]
    }

    #[test]
    fn faults_name_their_place() {
        for (changes, code, place) in wrong_values().into_iter().chain(wrong_purchases()) {
            let fault = with(changes.clone()).1.unwrap_err();
            assert_eq!(
                (fault.code, fault.place.as_deref()),
                (code, Some(place)),
                "{changes} {}",
                fault.detail
            );
        }
    }

    #[test]
    fn what_is_no_object_is_told() {
        for text in [
            "{",
            "nonsense",
            "[]",
            "5",
            "{\"receipt_number\": \"+79161234567\", }",
        ] {
            let fault = read_text(text).1.unwrap_err();
            assert_eq!(fault.code, RowCode::InvalidJson, "{text}: {fault:?}");
            assert!(!fault.detail.contains("7916"));
        }
    }
}
