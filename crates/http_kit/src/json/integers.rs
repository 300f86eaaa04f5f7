//! Integers as JSON Schema sees them: `7.0` and `7e0` are the integer 7. A number with a fraction stays what it is and
//! is refused by the type that reads it.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::bounds::MAX_SAFE_INTEGER;

/// The value with such numbers as plain integers; none if there is none of them.
pub(super) fn with_plain_integers(value: &Value) -> Option<Value> {
    let mut plain = value.clone();
    rewrite(&mut plain).then_some(plain)
}

fn rewrite(value: &mut Value) -> bool {
    match value {
        Value::Number(number) => match integer(number) {
            Some(integer) => {
                *number = integer.into();
                true
            }
            None => false,
        },
        // Every part is walked, whether or not one before it has changed.
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |any, item| rewrite(item) | any),
        Value::Object(fields) => fields
            .values_mut()
            .fold(false, |any, item| rewrite(item) | any),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Read from the digits: no arithmetic with floating point.
fn integer(number: &Number) -> Option<i64> {
    if !number.is_f64() {
        return None;
    }
    let digits = number.to_string();
    let integer: i64 = digits.strip_suffix(".0")?.parse().ok()?;
    (-MAX_SAFE_INTEGER..=MAX_SAFE_INTEGER)
        .contains(&integer)
        .then_some(integer)
}

/// Any JSON whose objects name no field twice.
pub(super) struct DistinctFields;

impl<'de> Deserialize<'de> for DistinctFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = DistinctFields;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<DistinctFields, E> {
        Ok(DistinctFields)
    }

    fn visit_bool<E>(self, _value: bool) -> Result<DistinctFields, E> {
        Ok(DistinctFields)
    }

    fn visit_i64<E>(self, _value: i64) -> Result<DistinctFields, E> {
        Ok(DistinctFields)
    }

    fn visit_u64<E>(self, _value: u64) -> Result<DistinctFields, E> {
        Ok(DistinctFields)
    }

    fn visit_f64<E>(self, _value: f64) -> Result<DistinctFields, E> {
        Ok(DistinctFields)
    }

    fn visit_str<E>(self, _value: &str) -> Result<DistinctFields, E> {
        Ok(DistinctFields)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<DistinctFields, A::Error> {
        while items.next_element::<DistinctFields>()?.is_some() {}
        Ok(DistinctFields)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<DistinctFields, A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            fields.next_value::<DistinctFields>()?;
            if let Some(name) = seen.replace(name) {
                return Err(de::Error::custom(format!("duplicate field `{name}`")));
            }
        }
        Ok(DistinctFields)
    }
}
