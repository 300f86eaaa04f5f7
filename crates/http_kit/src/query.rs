//! Query strings and path parameters, with the same completeness as JSON bodies: every wrong parameter is named
//! at once, as `?name`.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use axum::extract::{FromRequestParts, Path, Query};
use http::request::Parts;
use jsonschema::Validator;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use crate::bounds;
use crate::json::deserialize_error;
use crate::problem::{FieldError, Problem};
use crate::schema::{MAX_FIELD_ERRORS, compile, field_error, to_value, violations};

/// The parameters of a query string that fit what `T` documents. Fields of a type of ours need `#[param(inline)]`.
#[derive(Clone, Copy, Debug)]
pub struct ApiQuery<T>(pub T);

/// The parameters in a path. What cannot be read is answered like what does not exist (404).
#[derive(Clone, Copy, Debug)]
pub struct ApiPath<T>(pub T);

impl<T, S> FromRequestParts<S> for ApiPath<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::not_found()),
        }
    }
}

impl<T, S> FromRequestParts<S> for ApiQuery<T>
where
    T: DeserializeOwned + IntoParams + 'static,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| {
            Problem::invalid_fields(vec![field_error(
                "?",
                "bad_format",
                "the query string cannot be read",
            )])
        })?;
        parse_query(&pairs.0)
            .map(Self)
            .map_err(Problem::invalid_fields)
    }
}

/// Reads pairs of a query string as a `T`.
///
/// # Errors
/// Every wrong, missing, repeated or unknown parameter.
pub fn parse_query<T: DeserializeOwned + IntoParams + 'static>(
    pairs: &[(String, String)],
) -> Result<T, Vec<FieldError>> {
    let shape = shape_of::<T>();
    let (value, mut errors) = shape.value(pairs);
    errors.extend(
        violations(&shape.validator, &value)
            .into_iter()
            .map(in_query),
    );
    if !errors.is_empty() {
        errors.truncate(MAX_FIELD_ERRORS);
        return Err(errors);
    }
    serde_path_to_error::deserialize(&value)
        .map_err(|error| vec![in_query(deserialize_error(&error))])
}

fn in_query(mut error: FieldError) -> FieldError {
    let name = error.pointer.trim_start_matches('/');
    let name = name.split('/').next().unwrap_or(name);
    error.pointer = format!("?{name}");
    if error.code == "unknown_field" {
        error.detail = "there is no such parameter".to_owned();
    }
    error
}

/// What a query string may hold: how to read each parameter, and the schema of the whole.
struct Shape {
    kinds: HashMap<String, Kind>,
    validator: Validator,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Integer,
    Boolean,
    /// Comma-separated or repeated, each a text.
    List,
}

fn shape_of<T: IntoParams + 'static>() -> Arc<Shape> {
    static COMPILED: OnceLock<RwLock<HashMap<TypeId, Arc<Shape>>>> = OnceLock::new();
    let cache = COMPILED.get_or_init(RwLock::default);
    let id = TypeId::of::<T>();
    if let Some(found) = cache
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&id)
    {
        return Arc::clone(found);
    }
    let shape = Arc::new(Shape::new::<T>());
    cache
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(id)
        .or_insert(shape)
        .clone()
}

impl Shape {
    fn new<T: IntoParams>() -> Self {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut kinds = HashMap::new();
        for mut parameter in T::into_params(|| Some(ParameterIn::Query)) {
            parameter.schema.iter_mut().for_each(bounds::fill);
            let schema = parameter.schema.as_ref().map_or(json!({}), to_value);
            kinds.insert(parameter.name.clone(), kind_of(&schema));
            if matches!(parameter.required, utoipa::openapi::Required::True) {
                required.push(parameter.name.clone());
            }
            properties.insert(parameter.name, schema);
        }
        let validator = compile(json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        }));
        Self { kinds, validator }
    }

    fn value(&self, pairs: &[(String, String)]) -> (Value, Vec<FieldError>) {
        let mut object = Map::new();
        let mut errors = Vec::new();
        for (name, text) in pairs {
            let kind = self.kinds.get(name).copied().unwrap_or(Kind::Text);
            if let Kind::List = kind {
                let items = text.split(',').map(Value::from);
                match object.entry(name.clone()).or_insert_with(|| json!([])) {
                    Value::Array(list) => list.extend(items),
                    _ => unreachable!("a list parameter is only ever an array"),
                }
            } else if object.insert(name.clone(), kind.read(text)).is_some() {
                errors.push(field_error(
                    format!("?{name}"),
                    "duplicate",
                    "give this parameter once",
                ));
            }
        }
        (Value::Object(object), errors)
    }
}

impl Kind {
    /// The text as the type that the parameter wants; left a text, which the schema then refuses, when it is none.
    fn read(self, text: &str) -> Value {
        match self {
            Self::Integer => text
                .parse::<i64>()
                .map_or_else(|_| text.into(), Value::from),
            Self::Boolean => text
                .parse::<bool>()
                .map_or_else(|_| text.into(), Value::from),
            Self::Text | Self::List => text.into(),
        }
    }
}

fn kind_of(schema: &Value) -> Kind {
    let named = |name: &str| match &schema["type"] {
        Value::String(only) => only == name,
        Value::Array(several) => several.iter().any(|one| one == name),
        _ => false,
    };
    if named("integer") {
        Kind::Integer
    } else if named("boolean") {
        Kind::Boolean
    } else if named("array") {
        Kind::List
    } else {
        Kind::Text
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::page::PageLimit;

    #[derive(Debug, Deserialize, IntoParams)]
    #[into_params(parameter_in = Query)]
    struct Filter {
        #[param(inline)]
        limit: Option<PageLimit>,
        #[param(max_length = 5)]
        name: Option<String>,
        open: Option<bool>,
        state: Option<Vec<String>>,
    }

    fn read(query: &str) -> Result<Filter, Vec<(String, String)>> {
        let uri: http::Uri = format!("/x?{query}").parse().unwrap();
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap();
        parse_query(&pairs.0).map_err(|errors| {
            errors
                .into_iter()
                .map(|e| (e.pointer, e.code.to_string()))
                .collect()
        })
    }

    #[test]
    fn right_parameters_are_read() {
        let filter = read("limit=7&name=a%20b&open=true&state=x,y&state=z").unwrap();
        assert_eq!(filter.limit.unwrap().get(), 7);
        assert_eq!(filter.name.as_deref(), Some("a b"));
        assert_eq!(filter.open, Some(true));
        assert_eq!(filter.state.unwrap(), ["x", "y", "z"]);
        assert!(read("").unwrap().limit.is_none());
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let mut errors = read("limit=1000&name=toolong&open=maybe&nope=1&open=true").unwrap_err();
        errors.sort();
        let expected = [
            ("?limit", "out_of_range"),
            ("?name", "too_long"),
            ("?nope", "unknown_field"),
            ("?open", "duplicate"),
        ];
        assert_eq!(errors, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(
            read("limit=ten").unwrap_err(),
            [("?limit".to_owned(), "wrong_type".to_owned())]
        );
    }
}
