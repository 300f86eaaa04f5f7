//! An example for every JSON body that brings none of its own, put together from the examples of its fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayItems, Object, Schema, SchemaType, Type};
use utoipa::openapi::{Content, KnownFormat, OpenApi, RefOr, SchemaFormat};

use super::finish::operations;

/// What a document refers to, by name.
type Schemas = BTreeMap<String, RefOr<Schema>>;

/// No example is nested deeper.
const MAX_DEPTH: usize = 16;

/// Adds the missing examples.
pub(super) fn add(document: &mut OpenApi) {
    let schemas = document
        .components
        .as_ref()
        .map(|components| components.schemas.clone())
        .unwrap_or_default();
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            add_to(operation, &schemas);
        }
    }
}

fn add_to(operation: &mut Operation, schemas: &Schemas) {
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content
            .iter_mut()
            .for_each(|(media, content)| fill(media, content, schemas));
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response
                .content
                .iter_mut()
                .for_each(|(media, content)| fill(media, content, schemas));
        }
    }
}

fn fill(media: &str, content: &mut RefOr<Content>, schemas: &Schemas) {
    let RefOr::T(content) = content else { return };
    if !media.ends_with("json") || content.example.is_some() || !content.examples.is_empty() {
        return;
    }
    content.example = content
        .schema
        .as_ref()
        .map(|schema| example(schema, schemas, 0));
}

fn example(schema: &RefOr<Schema>, schemas: &Schemas, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    match schema {
        RefOr::Ref(reference) => {
            let name = reference
                .ref_location
                .rsplit('/')
                .next()
                .unwrap_or_default();
            schemas
                .get(name)
                .map_or(Value::Null, |schema| example(schema, schemas, depth + 1))
        }
        RefOr::T(Schema::Object(object)) => of_object(object, schemas, depth),
        RefOr::T(Schema::Array(array)) => match (&array.example, &array.items) {
            (Some(given), _) => given.clone(),
            (None, ArrayItems::RefOrSchema(items)) => json!([example(items, schemas, depth + 1)]),
            (None, _) => json!([]),
        },
        RefOr::T(Schema::OneOf(choice)) => first(&choice.items, schemas, depth),
        RefOr::T(Schema::AnyOf(choice)) => first(&choice.items, schemas, depth),
        RefOr::T(Schema::AllOf(parts)) => {
            let mut whole = Map::new();
            for part in &parts.items {
                if let Value::Object(part) = example(part, schemas, depth + 1) {
                    whole.extend(part);
                }
            }
            Value::Object(whole)
        }
        RefOr::T(_) => Value::Null,
    }
}

/// The first form that is not `null`.
fn first(forms: &[RefOr<Schema>], schemas: &Schemas, depth: usize) -> Value {
    let mut made = forms.iter().map(|form| example(form, schemas, depth + 1));
    made.find(|value| !value.is_null()).unwrap_or(Value::Null)
}

fn of_object(object: &Object, schemas: &Schemas, depth: usize) -> Value {
    if let Some(given) = object.example.as_ref().or(object.examples.first()) {
        return given.clone();
    }
    if let Some(first) = object
        .enum_values
        .as_ref()
        .and_then(|values| values.first())
    {
        return first.clone();
    }
    if let Some(default) = object.default.as_ref().filter(|value| !value.is_null()) {
        return default.clone();
    }
    match main_type(&object.schema_type) {
        Some(Type::String) => text(object.format.as_ref()).into(),
        Some(Type::Integer | Type::Number) => match object.minimum {
            Some(utoipa::Number::Int(least)) if least > 0 => least.into(),
            _ => 0.into(),
        },
        Some(Type::Boolean) => false.into(),
        Some(Type::Object) => {
            let fields = object.properties.iter();
            let fields =
                fields.map(|(name, schema)| (name.clone(), example(schema, schemas, depth + 1)));
            Value::Object(fields.collect())
        }
        _ => Value::Null,
    }
}

fn main_type(types: &SchemaType) -> Option<&Type> {
    match types {
        SchemaType::Type(only) => Some(only),
        SchemaType::Array(several) => several.iter().find(|one| **one != Type::Null),
        SchemaType::AnyValue => None,
    }
}

fn text(format: Option<&SchemaFormat>) -> &'static str {
    match format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)) => {
            "019cadf4-6c80-7000-8000-000000000001"
        }
        Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => "2026-03-02T09:00:00Z",
        Some(SchemaFormat::KnownFormat(KnownFormat::Date)) => "2026-03-02",
        _ => "text",
    }
}
