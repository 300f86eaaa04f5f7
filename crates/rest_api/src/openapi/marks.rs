//! What endpoints say of themselves by a mark, and what the document makes of it.

use serde_json::{Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Deprecated, RefOr, Required, ResponseBuilder};

use super::finish::header_ref;
use super::headers;

/// On an operation: its answer has an `ETag`, and `If-None-Match` spares the body.
pub const X_VERSIONED: &str = "x-versioned";
/// On an operation that should not be used any more: `{"since": …, "sunset": …, "more": …}`; see `crate::manners`.
pub const X_DEPRECATION: &str = "x-deprecation";
/// Schemas of which exactly one of the named fields is given.
const EXACTLY_ONE: [(&str, &[&str]); 4] = [
    (
        "MemberIn",
        &["phone", "card_number", "code", "customer_id", "found"],
    ),
    (
        "LookupIn",
        &[
            "phone",
            "phone_tail",
            "card_number",
            "code",
            "customer_id",
            "found",
        ],
    ),
    ("RecipientIn", &["phone", "card_number"]),
    ("MemberSearch", &["phone", "card_number", "member_id"]),
];
/// Schemas of which both fields are given, or neither.
const TOGETHER: [(&str, [&str; 2]); 2] = [
    ("NewPasskey", ["challenge_id", "credential"]),
    ("PasskeyAssertion", ["challenge_id", "credential"]),
];
/// Schemas in which the first field does not go with any of the others.
const NOT_WITH: [(&str, &str, &[&str]); 2] = [
    ("PurchaseIn", "lines", &["not_earning", "not_payable"]),
    ("RefundIn", "lines", &["amount"]),
];

/// Documents `ETag`, `If-None-Match` and 304 where the mark stands.
pub(super) fn versioned(operation: &mut Operation) {
    if take(operation.extensions.as_mut(), X_VERSIONED).is_none() {
        return;
    }
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(200))
        .pattern(Some(http_kit::etag::ENTITY_TAG));
    let known = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The `ETag` of the version that you have: if it is still this one, the answer is 304 without a body."))
        .schema(Some(schema))
        .example(Some(json!("\"v3\"")))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(known.into());
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(good)) = responses.get_mut("200") {
        good.headers.insert("ETag".into(), header_ref("ETag"));
    }
    let mut same = ResponseBuilder::new()
        .description("You have this version already")
        .build();
    same.headers.insert("ETag".into(), header_ref("ETag"));
    responses.insert("304".into(), same.into());
}

/// Marks a deprecated operation as such, with the headers that its good answers carry.
pub(super) fn deprecated(operation: &mut Operation) {
    if take(operation.extensions.as_mut(), X_DEPRECATION).is_none() {
        return;
    }
    operation.deprecated = Some(Deprecated::True);
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.starts_with('2'), response) {
            for name in headers::FAREWELL {
                response.headers.insert(name.into(), header_ref(name));
            }
        }
    }
}

/// Says of the schema with this name which of its fields go together, where it is one that wants it said.
pub(super) fn fields_that_fit(name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else {
        return;
    };
    if let Some((keyword, rule)) = rule_of(name) {
        let extensions = object.extensions.get_or_insert_default();
        extensions.merge(Extensions::from_iter([(keyword, rule)]));
    }
}

/// A keyword of JSON Schema, and what it says of the schema with this name.
fn rule_of(name: &str) -> Option<(&'static str, Value)> {
    if let Some((_, fields)) = EXACTLY_ONE.iter().find(|(of, _)| *of == name) {
        return Some(("oneOf", fields.iter().map(|field| given(field)).collect()));
    }
    if let Some((_, [a, b])) = TOGETHER.iter().find(|(of, _)| *of == name) {
        let forms = [all([given(a), given(b)]), all([absent(a), absent(b)])];
        return Some(("oneOf", forms.into_iter().collect()));
    }
    if let Some((_, one, others)) = NOT_WITH.iter().find(|(of, ..)| *of == name) {
        let without = others.iter().map(|other| absent(other));
        let forms = [absent(one), all(without)];
        return Some(("anyOf", forms.into_iter().collect()));
    }
    match name {
        "SignInRequest" => {
            let code = ["challenge_id", "code"].map(given).into_iter();
            let password = ["password", "totp"].map(given).into_iter();
            let forms = [
                all(code.chain(["password", "totp"].map(absent))),
                all(password.chain(["challenge_id", "code", "recovery_code"].map(absent))),
            ];
            Some(("oneOf", forms.into_iter().collect()))
        }
        "NewDevice" => {
            let provider = |rule: Value| json!({ "properties": { "provider": rule } });
            let endpoint = json!({ "properties": { "token": { "pattern": "^https://" } } });
            let browser = provider(json!({ "const": "web_push" }));
            let other = provider(json!({ "not": { "const": "web_push" } }));
            let forms = [
                all([browser, given("keys"), endpoint]),
                all([other, absent("keys")]),
            ];
            Some(("oneOf", forms.into_iter().collect()))
        }
        // Whatever names no category is of this one.
        "Settings" => {
            let general =
                json!({ "required": ["code"], "properties": { "code": { "const": "general" } } });
            let among = json!({ "properties": { "categories": { "contains": general } } });
            Some(("allOf", json!([among])))
        }
        _ => None,
    }
}

fn given(field: &str) -> Value {
    json!({ "required": [field], "properties": { field: { "not": { "type": "null" } } } })
}

fn absent(field: &str) -> Value {
    json!({ "properties": { field: { "type": "null" } } })
}

fn all(rules: impl IntoIterator<Item = Value>) -> Value {
    json!({ "allOf": rules.into_iter().collect::<Vec<_>>() })
}

/// Takes a mark off: the finished document says it in words of its own.
fn take(extensions: Option<&mut Extensions>, mark: &str) -> Option<Value> {
    extensions?.remove(mark)
}
