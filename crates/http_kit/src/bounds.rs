//! The bounds that every schema has, written or not: texts have a length and no control characters, integers
//! a range, arrays a size. The document and the check of requests both pass through here, so they agree.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, Array, ArrayItems, KnownFormat, Object, Schema, SchemaFormat, SchemaType,
    Type,
};

/// A text that names no length has at most so many characters.
pub const DEFAULT_TEXT: usize = 1000;
/// An array that names no size has at most so many items.
pub const DEFAULT_ITEMS: usize = 1000;
/// The largest integer that every reader of JSON keeps exactly (2^53 - 1).
pub const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;
/// What no line of text holds, as a part of a character class: control characters, those that turn the direction of
/// writing, and those that break a line.
macro_rules! refused {
    () => {
        r"\u0000-\u001F\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF"
    };
}

/// Whether no line of text holds this character.
#[must_use]
pub fn is_refused(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// A line of text as `domain::text::Text` takes it. A text of several lines names a pattern of its own.
pub const DEFAULT_PATTERN: &str = concat!("^[^", refused!(), "]*$");
/// The same with something in it beside spaces.
pub const DEFAULT_PATTERN_NOT_EMPTY: &str = concat!(
    "^[^",
    refused!(),
    r"]*[^\s",
    refused!(),
    "][^",
    refused!(),
    "]*$"
);
/// A text of several lines.
pub const LINES_PATTERN: &str = r"^[^\u0000]*$";

/// Fills in the bounds that a schema and everything inside it leaves out.
pub fn fill(schema: &mut RefOr<Schema>) {
    if let RefOr::T(schema) = schema {
        fill_schema(schema);
    }
}

fn fill_schema(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => fill_object(object),
        Schema::Array(array) => fill_array(array),
        Schema::OneOf(choice) => choice.items.iter_mut().for_each(|form| {
            fill(form);
            close(form);
        }),
        Schema::AllOf(choice) => choice.items.iter_mut().for_each(fill),
        Schema::AnyOf(choice) => choice.items.iter_mut().for_each(fill),
        _ => {}
    }
}

/// A form of a choice has the fields that it names and no others, which utoipa does not say of the forms of an enum.
fn close(form: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = form
        && !object.properties.is_empty()
        && object.additional_properties.is_none()
    {
        let none = AdditionalProperties::FreeForm(false);
        object.additional_properties = Some(Box::new(none));
    }
}

fn fill_array(array: &mut Array) {
    array.max_items.get_or_insert(DEFAULT_ITEMS);
    array.min_items.get_or_insert(0);
    if let ArrayItems::RefOrSchema(items) = &mut array.items {
        fill(items);
    }
}

fn fill_object(object: &mut Object) {
    object.properties.values_mut().for_each(fill);
    if let Some(AdditionalProperties::RefOr(inner)) = object.additional_properties.as_deref_mut() {
        fill(inner);
    }
    if object.enum_values.is_some() {
        return;
    }
    if has(&object.schema_type, Type::String) {
        fill_text(object);
    }
    if has(&object.schema_type, Type::Integer) {
        fill_integer(object);
    }
}

fn fill_text(object: &mut Object) {
    let natural = match &object.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)) => 36,
        Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => 40,
        Some(SchemaFormat::KnownFormat(KnownFormat::Date)) => 10,
        _ => DEFAULT_TEXT,
    };
    object.max_length.get_or_insert(natural);
    object.min_length.get_or_insert(0);
    if object.format.is_none() && object.pattern.is_none() {
        let filled = object.min_length.is_some_and(|least| least > 0);
        let pattern = match filled {
            true => DEFAULT_PATTERN_NOT_EMPTY,
            false => DEFAULT_PATTERN,
        };
        object.pattern = Some(pattern.to_owned());
    }
}

fn fill_integer(object: &mut Object) {
    let small = matches!(
        object.format,
        Some(SchemaFormat::KnownFormat(KnownFormat::Int32))
    );
    if object.format.is_none() {
        object.format = Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
    }
    let (least, most) = if small {
        (i64::from(i32::MIN), i64::from(i32::MAX))
    } else {
        (-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    };
    let number = |bound: i64| utoipa::Number::Int(isize::try_from(bound).unwrap_or(isize::MAX));
    if object.minimum.is_none() && object.exclusive_minimum.is_none() {
        object.minimum = Some(number(least));
    }
    if object.maximum.is_none() && object.exclusive_maximum.is_none() {
        object.maximum = Some(number(most));
    }
}

fn has(types: &SchemaType, wanted: Type) -> bool {
    match types {
        SchemaType::Type(only) => *only == wanted,
        SchemaType::Array(several) => several.contains(&wanted),
        SchemaType::AnyValue => false,
    }
}
