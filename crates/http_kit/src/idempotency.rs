//! The header `Idempotency-Key`: the caller's name for one attempt at an operation, the same on every retry.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use services::idempotency::Answered;

use crate::problem::{Problem, ProblemCode};

/// The request header that carries the key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The answer header that marks a stored answer given again.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The header as the document shows it: `params(IdempotencyKeyHeader)`.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKeyHeader {
    /// Your name for this attempt, the same on every retry of it: 1 to 255 visible ASCII characters.
    #[param(
        rename = "Idempotency-Key",
        max_length = 257,
        min_length = 1,
        pattern = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#,
        example = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    )]
    pub key: String,
}

/// A key of 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a key, bare or as a quoted string (RFC 8941); both forms of one key are equal.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let header = header.trim_matches([' ', '\t']);
        let key = match header.strip_prefix('"') {
            Some(rest) => unquote(rest)?,
            None => header.to_owned(),
        };
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        ((1..=255).contains(&key.len()) && visible).then_some(Self(key))
    }

    /// The characters of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn unquote(rest: &str) -> Option<String> {
    let mut key = String::with_capacity(rest.len());
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => key.push(characters.next().filter(|c| matches!(c, '"' | '\\'))?),
            other => key.push(other),
        }
    }
    characters.next().is_none().then_some(key)
}

/// A stored JSON answer as it goes out: byte for byte the first one, marked when it is not the first time.
#[must_use]
pub fn replayable(answered: Answered) -> Response {
    let answer = answered.answer;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(Ok(location)) = answer.location.map(|at| HeaderValue::from_str(&at)) {
        headers.insert(header::LOCATION, location);
    }
    if answered.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(&IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Err(Problem::new(ProblemCode::IdempotencyKeyRequired));
        };
        let key = value.to_str().ok().and_then(Self::parse);
        match (key, values.next()) {
            (Some(key), None) => Ok(key),
            _ => Err(Problem::new(ProblemCode::InvalidIdempotencyKey)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_and_quoted_are_one_key() {
        let bare = IdempotencyKey::parse("8e03978e-40d5-43dd").expect("a key");
        assert_eq!(IdempotencyKey::parse("\"8e03978e-40d5-43dd\""), Some(bare));
        assert_eq!(
            IdempotencyKey::parse(r#""a\"b""#).expect("a key").as_str(),
            "a\"b"
        );
    }

    #[test]
    fn malformed_keys_are_refused() {
        for key in [
            "",
            "\"\"",
            "\"open",
            "\"a\"b",
            "a b",
            "ключ",
            "\"a\\n\"",
            &"x".repeat(256),
        ] {
            assert_eq!(IdempotencyKey::parse(key), None, "{key:?}");
        }
        assert!(IdempotencyKey::parse(&"x".repeat(255)).is_some());
    }
}
