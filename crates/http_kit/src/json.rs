//! JSON bodies. A request type is `Deserialize` and `ToSchema` with `#[serde(deny_unknown_fields)]`; what its schema
//! says is what is enforced, and all violations are answered together. What a schema cannot say (a check
//! digit, a phone that exists) is said by the type's own `Deserialize`, with a pointer to the place.

mod integers;

use aws_lc_rs::digest;
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use utoipa::ToSchema;

use self::integers::{DistinctFields, with_plain_integers};
use crate::body::{check_length, limit_of, read_body};
use crate::idempotency::IdempotencyKey;
use crate::problem::{FieldError, Problem, ProblemCode};
use crate::schema::{field_error, pointer_step, validator_of, violations};

/// A JSON body that fits the schema of `T`.
#[derive(Clone, Copy, Debug)]
pub struct ApiJson<T>(pub T);

/// A JSON body of a POST that must not happen twice: the value, the key that names the attempt, and what the
/// body was, byte for byte.
#[derive(Clone, Debug)]
pub struct IdempotentJson<T> {
    /// The parsed body.
    pub value: T,
    /// The caller's name for this operation.
    pub key: IdempotencyKey,
    /// SHA-256 of the body as it came.
    pub body_sha256: [u8; 32],
}

impl<T, S> FromRequest<S> for ApiJson<T>
where
    T: DeserializeOwned + ToSchema + 'static,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = json_bytes(request).await?;
        parse(&bytes).map(Self)
    }
}

impl<T, S> FromRequest<S> for IdempotentJson<T>
where
    T: DeserializeOwned + ToSchema + 'static,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let key = IdempotencyKey::from_request_parts(&mut parts, state).await?;
        let bytes = json_bytes(Request::from_parts(parts, body)).await?;
        let value = parse(&bytes)?;
        Ok(Self {
            value,
            key,
            body_sha256: sha256(&bytes),
        })
    }
}

impl<T> IdempotentJson<T> {
    /// The value, and the key as the use case takes it: whose, for which operation, with which body.
    pub fn named(
        self,
        principal: uuid::Uuid,
        operation: &'static str,
    ) -> (T, services::idempotency::IdempotencyKey) {
        let key = services::idempotency::IdempotencyKey {
            principal,
            operation,
            key: self.key.as_str().to_owned(),
            body_sha256: self.body_sha256,
        };
        (self.value, key)
    }
}

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// Parses one JSON text and checks it against the schema of `T`.
///
/// # Errors
/// `invalid_json` when it is no JSON, `invalid_fields` with every violation otherwise.
pub fn parse<T: DeserializeOwned + ToSchema + 'static>(bytes: &[u8]) -> Result<T, Problem> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| syntax_problem(bytes, &error))?;
    let errors = violations(&validator_of::<T>(), &value);
    if !errors.is_empty() {
        return Err(Problem::invalid_fields(errors));
    }
    // From the bytes and not from the value, so that a field given twice is noticed. Where the trouble is, is found
    // out only if there is some: keeping track of it costs as much as the reading.
    if let Ok(read) = serde_json::from_slice(bytes) {
        return Ok(read);
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize::<_, DistinctFields>(&mut reader)
        .map_err(|error| Problem::invalid_fields(vec![deserialize_error(&error)]))?;
    if let Some(value) = with_plain_integers(&value) {
        return read(&value).map_err(Problem::invalid_fields);
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| Problem::invalid_fields(vec![deserialize_error(&error)]))
}

/// Checks one JSON value, such as an item of a batch, against the schema of `T` and reads it.
///
/// # Errors
/// Every violation.
pub fn parse_value<T: DeserializeOwned + ToSchema + 'static>(
    value: &Value,
) -> Result<T, Vec<FieldError>> {
    let errors = violations(&validator_of::<T>(), value);
    if !errors.is_empty() {
        return Err(errors);
    }
    if let Ok(value) = T::deserialize(value) {
        return Ok(value);
    }
    read(with_plain_integers(value).as_ref().unwrap_or(value))
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Vec<FieldError>> {
    serde_path_to_error::deserialize(value).map_err(|error| vec![deserialize_error(&error)])
}

async fn json_bytes(request: Request) -> Result<Bytes, Problem> {
    check_length(request.headers(), limit_of(&request))?;
    require_json(request.headers())?;
    read_body(request).await
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if media_type.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(ProblemCode::UnsupportedMediaType)
        .detail("send Content-Type: application/json")
        .detail_ru("нужен Content-Type: application/json"))
}

fn syntax_problem(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let problem = Problem::new(ProblemCode::InvalidJson);
    if bytes.is_empty() {
        return problem
            .detail("the body is empty")
            .detail_ru("тело запроса пустое");
    }
    problem.detail(error.to_string())
}

/// The one complaint of a type's own `Deserialize`.
pub(crate) fn deserialize_error<E: std::fmt::Display>(
    error: &serde_path_to_error::Error<E>,
) -> FieldError {
    let message = error.inner().to_string();
    let detail = message.split(" at line ").next().unwrap_or(&message);
    let code = match detail {
        text if text.starts_with("unknown field") => "unknown_field",
        text if text.starts_with("missing field") => "missing_field",
        text if text.starts_with("duplicate field") => "duplicate",
        text if text.starts_with("invalid type") => "wrong_type",
        text if text.starts_with("unknown variant") => "unknown_value",
        _ => "invalid_value",
    };
    field_error(
        pointer(error.path()),
        code,
        detail.chars().take(300).collect::<String>(),
    )
}

fn pointer(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => pointer_step(key),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "the fields are only checked")]
    struct Sale {
        #[schema(minimum = 1, maximum = 1000)]
        total: i64,
        #[schema(max_length = 5)]
        receipt: String,
        customer: Option<Customer>,
        #[schema(max_items = 2)]
        lines: Vec<Line>,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Debug, Default, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        #[default]
        Sale,
        Gift,
    }

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
    #[expect(dead_code, reason = "the fields are only checked")]
    enum Customer {
        Phone {
            #[schema(pattern = r"^\+[0-9]+$")]
            phone: String,
        },
        Card {
            number: i64,
        },
    }

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[schema(minimum = 0)]
        amount: i64,
    }

    fn complaints(body: &str) -> Vec<(String, String)> {
        let problem = parse::<Sale>(body.as_bytes()).expect_err("the body is wrong");
        problem
            .field_errors()
            .iter()
            .map(|error| (error.pointer.clone(), error.code.to_string()))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn a_right_body_is_read() {
        let sale: Sale = parse(br#"{"total":5,"receipt":"A1","customer":{"by":"card","number":7},"lines":[{"amount":5}]}"#).unwrap();
        assert!(matches!(sale.customer, Some(Customer::Card { number: 7 })));
        let sale: Sale =
            parse(br#"{"total":5,"receipt":"A1","customer":null,"lines":[],"kind":"gift"}"#)
                .unwrap();
        assert!(matches!(sale.kind, Kind::Gift));
    }

    #[test]
    fn all_errors_come_at_once() {
        let mut found = complaints(
            r#"{"total":0,"receipt":"too long","lines":[{"amount":-1},{"amount":"x","y":1},{}],"extra/1":1,"kind":"loan"}"#,
        );
        found.sort();
        assert_eq!(
            found,
            pairs(&[
                ("/extra~11", "unknown_field"),
                ("/kind", "unknown_value"),
                ("/lines", "too_many_items"),
                ("/lines/0/amount", "out_of_range"),
                ("/lines/1/amount", "wrong_type"),
                ("/lines/1/y", "unknown_field"),
                ("/lines/2/amount", "missing_field"),
                ("/receipt", "too_long"),
                ("/total", "out_of_range"),
            ])
        );
    }

    #[test]
    fn a_choice_complains_about_the_form_that_was_tried() {
        assert_eq!(
            complaints(
                r#"{"total":1,"receipt":"1","lines":[],"customer":{"by":"phone","phone":"x"}}"#
            ),
            pairs(&[("/customer/phone", "bad_format")])
        );
        assert_eq!(
            complaints(r#"{"total":1,"receipt":"1","lines":[],"customer":{"by":"mail"}}"#),
            pairs(&[("/customer", "unknown_value")])
        );
    }

    #[test]
    fn what_the_schema_lets_pass_is_caught_with_a_pointer() {
        assert_eq!(
            complaints(r#"{"total":1.5,"receipt":"1","lines":[]}"#),
            pairs(&[("/total", "wrong_type")])
        );
        assert_eq!(
            complaints(r#"{"total":1,"total":2,"receipt":"1","lines":[]}"#)[0].1,
            "duplicate"
        );
    }

    #[test]
    fn an_integer_may_be_written_with_a_fraction_of_zero() {
        let sale: Sale = parse(br#"{"total":7.0,"receipt":"1","lines":[{"amount":1e2}]}"#).unwrap();
        assert_eq!((sale.total, sale.lines[0].amount), (7, 100));
        assert_eq!(
            complaints(r#"{"total":7.0,"total":8,"receipt":"1","lines":[]}"#)[0].1,
            "duplicate"
        );
        let line: Line = parse_value(&serde_json::json!({"amount": 3.0})).unwrap();
        assert_eq!(line.amount, 3);
    }

    #[test]
    fn no_text_holds_a_nul() {
        assert_eq!(
            complaints(r#"{"total":1,"receipt":"a\u0000","lines":[]}"#),
            pairs(&[("/receipt", "bad_format")])
        );
    }

    #[test]
    fn syntax_and_depth_are_another_problem() {
        for body in ["", "{", "nul", "\u{feff}{}", &"[".repeat(200)] {
            let problem = parse::<Sale>(body.as_bytes()).expect_err("no JSON");
            assert_eq!(problem.code(), ProblemCode::InvalidJson, "{body:?}");
        }
    }
}
