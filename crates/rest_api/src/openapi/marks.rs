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
const EXACTLY_ONE: [(&str, &[&str]); 1] =
    [("MemberIn", &["phone", "card_number", "code", "customer_id"])];

/// Documents `ETag`, `If-None-Match` and 304 where the mark stands.
pub(super) fn versioned(operation: &mut Operation) {
    if take(operation.extensions.as_mut(), X_VERSIONED).is_none() {
        return;
    }
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(200))
        .pattern(Some("^(\\*|\"v[0-9]+\")$"));
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

/// Says of the schema with this name, where it is one of them, that exactly one of its fields is there and not null.
pub(super) fn exactly_one(name: &str, schema: &mut RefOr<Schema>) {
    let known = EXACTLY_ONE.iter().find(|(of, _)| *of == name);
    if let (Some((_, fields)), RefOr::T(Schema::Object(object))) = (known, schema) {
        let form = |field: &&str| {
            let given = json!({ "not": { "type": "null" } });
            json!({ "required": [field], "properties": { *field: given } })
        };
        let forms: Value = fields.iter().map(form).collect();
        let extensions = object.extensions.get_or_insert_default();
        extensions.merge(Extensions::from_iter([("oneOf", forms)]));
    }
}

/// Takes a mark off: the finished document says it in words of its own.
fn take(extensions: Option<&mut Extensions>, mark: &str) -> Option<Value> {
    extensions?.remove(mark)
}
