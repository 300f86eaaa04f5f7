//! From a type's OpenAPI schema to the list of everything that is wrong with a value. The schema that the document
//! shows is the schema that is enforced: it is compiled once per type and asked for all its complaints at once.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{JsonType, ValidationError};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::bounds;
use crate::problem::FieldError;

/// More complaints than this about one request help nobody.
pub const MAX_FIELD_ERRORS: usize = 100;
/// So much of a text of a complaint is shown, in characters.
const MAX_SHOWN: usize = 500;

/// The compiled schema of `T`, with everything that it refers to.
///
/// # Panics
/// If the schema that `T` declares is not a schema; a test of the routes' types finds that.
#[must_use]
pub fn validator_of<T: ToSchema + 'static>() -> Arc<Validator> {
    static COMPILED: OnceLock<RwLock<HashMap<TypeId, Arc<Validator>>>> = OnceLock::new();
    let cache = COMPILED.get_or_init(RwLock::default);
    let id = TypeId::of::<T>();
    if let Some(found) = cache
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&id)
    {
        return Arc::clone(found);
    }
    let compiled = Arc::new(compile(root_schema::<T>()));
    cache
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(id)
        .or_insert(compiled)
        .clone()
}

/// Compiles a schema whose references point into its own `components`.
pub(crate) fn compile(schema: Value) -> Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .build(&schema)
        .expect("the schemas of our own types compile")
}

fn root_schema<T: ToSchema>() -> Value {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let components: Map<String, Value> = parts
        .into_iter()
        .map(|(name, mut schema)| {
            bounds::fill(&mut schema);
            (name, to_value(&schema))
        })
        .collect();
    let mut root = T::schema();
    bounds::fill(&mut root);
    let mut root = to_value(&root);
    if let Value::Object(root) = &mut root {
        root.insert("components".into(), json!({ "schemas": components }));
    }
    root
}

pub(crate) fn to_value(schema: &impl serde::Serialize) -> Value {
    serde_json::to_value(schema).expect("a schema is plain JSON")
}

/// Everything that `validator` finds wrong with `value`; empty when nothing.
#[must_use]
pub fn violations(validator: &Validator, value: &Value) -> Vec<FieldError> {
    if validator.is_valid(value) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for error in validator.iter_errors(value) {
        describe(value, &error, &mut found);
        if found.len() >= MAX_FIELD_ERRORS {
            found.truncate(MAX_FIELD_ERRORS);
            break;
        }
    }
    found
}

/// A field error at `pointer`. Both texts may repeat what the caller made up: they are cut, and what no line of text holds
/// is shown as the sign for what cannot be shown.
pub(crate) fn field_error(
    pointer: impl Into<String>,
    code: &'static str,
    detail: impl Into<String>,
) -> FieldError {
    FieldError {
        pointer: printable(&pointer.into()),
        code: Cow::Borrowed(code),
        detail: printable(&detail.into()),
    }
}

/// A text as an answer may hold it.
fn printable(text: &str) -> String {
    let shown = text.chars().take(MAX_SHOWN);
    let shown = shown.map(|character| match bounds::is_refused(character) {
        true => char::REPLACEMENT_CHARACTER,
        false => character,
    });
    shown.collect()
}

/// One step of a JSON Pointer, escaped as RFC 6901 wants.
pub(crate) fn pointer_step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn describe(whole: &Value, error: &ValidationError<'_>, found: &mut Vec<FieldError>) {
    let at = error.instance_path().to_string();
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            found.push(field_error(
                at + &pointer_step(name),
                "missing_field",
                "this field is required",
            ));
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                found.push(field_error(
                    at.clone() + &pointer_step(name),
                    "unknown_field",
                    "there is no such field",
                ));
            }
        }
        // An object that may have no field at all.
        Kind::FalseSchema if whole.pointer(&at).is_some_and(Value::is_object) => {
            for name in whole
                .pointer(&at)
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|all| all.keys())
            {
                found.push(field_error(
                    at.clone() + &pointer_step(name),
                    "unknown_field",
                    "there is no such field",
                ));
            }
        }
        Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
            match likely_branch(&at, context) {
                Some(branch) => branch
                    .iter()
                    .for_each(|inner| describe(whole, inner, found)),
                None => found.push(field_error(
                    at,
                    "unknown_value",
                    "none of the allowed forms fits",
                )),
            }
        }
        kind => {
            let (code, detail) = sentence(kind);
            found.push(field_error(at, code, detail));
        }
    }
}

/// Of the forms that a value may take, the one that it seems to try: neither of another type nor with another tag.
fn likely_branch<'a>(
    at: &str,
    context: &'a [Vec<ValidationError<'static>>],
) -> Option<&'a [ValidationError<'static>]> {
    let mut candidates = context.iter().filter(|branch| {
        !branch.iter().any(|error| {
            let here = error.instance_path().to_string();
            match error.kind() {
                Kind::Type { .. } => here == at,
                Kind::Enum { .. } | Kind::Constant { .. } => here
                    .rsplit_once('/')
                    .is_some_and(|(parent, _)| parent == at),
                _ => false,
            }
        })
    });
    let only = candidates.next()?;
    candidates.next().is_none().then_some(only)
}

fn sentence(kind: &Kind) -> (&'static str, String) {
    match kind {
        Kind::Type { kind } => ("wrong_type", format!("must be {}", type_name(kind))),
        Kind::Enum { options } => (
            "unknown_value",
            format!("must be one of {}", brief(options)),
        ),
        Kind::Constant { expected_value } => (
            "unknown_value",
            format!("must be {}", brief(expected_value)),
        ),
        Kind::Minimum { limit } => ("out_of_range", format!("must be at least {limit}")),
        Kind::Maximum { limit } => ("out_of_range", format!("must be at most {limit}")),
        Kind::ExclusiveMinimum { limit } => ("out_of_range", format!("must be more than {limit}")),
        Kind::ExclusiveMaximum { limit } => ("out_of_range", format!("must be less than {limit}")),
        Kind::MultipleOf { multiple_of } => (
            "out_of_range",
            format!("must be a multiple of {multiple_of}"),
        ),
        Kind::MaxLength { limit } => ("too_long", format!("must have at most {limit} characters")),
        Kind::MinLength { limit } => (
            "too_short",
            format!("must have at least {limit} characters"),
        ),
        Kind::MaxItems { limit } => ("too_many_items", format!("must have at most {limit} items")),
        Kind::MinItems { limit } => ("too_few_items", format!("must have at least {limit} items")),
        Kind::MaxProperties { limit } => (
            "too_many_items",
            format!("must have at most {limit} fields"),
        ),
        Kind::MinProperties { limit } => (
            "too_few_items",
            format!("must have at least {limit} fields"),
        ),
        Kind::UniqueItems => ("duplicate", "must not repeat an item".to_owned()),
        Kind::Pattern { pattern } => ("bad_format", format!("must match {pattern}")),
        Kind::Format { format } => ("bad_format", format!("must be a valid {format}")),
        other => (
            "invalid_value",
            format!("does not satisfy {}", other.keyword()),
        ),
    }
}

fn type_name(kind: &jsonschema::error::TypeKind) -> String {
    match kind {
        jsonschema::error::TypeKind::Single(one) => json_type(*one).to_owned(),
        jsonschema::error::TypeKind::Multiple(several) => {
            let names: Vec<&str> = several.iter().map(json_type).collect();
            names.join(" or ")
        }
    }
}

fn json_type(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "an array",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    }
}

/// The allowed values, cut so that a long enumeration does not fill the answer.
fn brief(options: &Value) -> String {
    let text = match options {
        Value::Array(items) => {
            let names: Vec<String> = items.iter().map(ToString::to_string).collect();
            names.join(", ")
        }
        other => other.to_string(),
    };
    text.chars().take(300).collect()
}
