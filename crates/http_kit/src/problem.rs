//! An error answer (RFC 9457, `application/problem+json`) on its way out. A handler returns a [`Problem`]; the
//! outermost layer ([`crate::problem_layer`]) knows the request and writes it down with language, address and
//! request id.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use crate::problem_codes::ProblemCode;

/// The media type of every error answer.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The language of an answer's sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Russian.
    Russian,
}

impl Language {
    /// The better of our two languages for an `Accept-Language` header; English when it names neither.
    #[must_use]
    pub fn from_accept(header: Option<&str>) -> Self {
        let mut best = (0_u32, Self::English);
        for part in header.unwrap_or_default().split(',') {
            let mut pieces = part.split(';');
            let tag = pieces
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            let language = match tag.split('-').next() {
                Some("ru") => Self::Russian,
                Some("en") => Self::English,
                _ => continue,
            };
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q="))
                .map_or(1000, thousandths);
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }
}

/// A quality value (`0.8`) in thousandths.
fn thousandths(value: &str) -> u32 {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole: u32 = whole.parse().unwrap_or(0);
    (whole.saturating_mul(1000))
        .saturating_add(digits.parse().unwrap_or(0))
        .min(1000)
}

/// One wrong field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON Pointer into the body, `?name` for a query parameter, or a header's name with a colon.
    #[schema(max_length = 500, example = "/lines/0/amount")]
    pub pointer: String,
    /// What kind of mistake, for programs.
    #[schema(max_length = 40, pattern = "^[a-z_]+$", example = "out_of_range")]
    pub code: Cow<'static, str>,
    /// What is wrong, in a sentence.
    #[schema(max_length = 500, example = "0 is less than the minimum of 1")]
    pub detail: String,
}

/// An error answer before it is written down.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: ProblemCode,
    detail_en: Option<Cow<'static, str>>,
    detail_ru: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of this kind, so far without details.
    #[must_use]
    pub fn new(code: ProblemCode) -> Self {
        Self(Box::new(Parts {
            code,
            detail_en: None,
            detail_ru: None,
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// Says what happened this time, in English.
    #[must_use]
    pub fn detail(mut self, sentence: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail_en = Some(sentence.into());
        self
    }

    /// Says what happened this time, in Russian.
    #[must_use]
    pub fn detail_ru(mut self, sentence: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail_ru = Some(sentence.into());
        self
    }

    /// Names the wrong fields.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Adds a member of its own to the answer, such as `available` or `transaction_id`.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Says after how many seconds a retry makes sense.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// All wrong fields at once (422 `invalid_fields`).
    #[must_use]
    pub fn invalid_fields(errors: Vec<FieldError>) -> Self {
        Self::new(ProblemCode::InvalidFields).errors(errors)
    }

    /// What is not there, or belongs to another, which looks the same (404).
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ProblemCode::NotFound)
    }

    /// Logs an unexpected error and hides it from the caller (500).
    #[must_use]
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!(error = chain, "unexpected error");
        Self::new(ProblemCode::Internal)
    }

    /// A part that we need is away for the moment (503 with `Retry-After`).
    #[must_use]
    pub fn unavailable(seconds: u64) -> Self {
        Self::new(ProblemCode::Unavailable).retry_after(seconds)
    }

    /// The kind of this problem.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// The wrong fields.
    #[must_use]
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The document as it goes out.
    #[must_use]
    pub fn document(&self, to: &Addressee<'_>) -> Value {
        let parts = &self.0;
        let (title, detail) = match to.language {
            Language::Russian => (
                parts.code.title_ru(),
                parts.detail_ru.as_ref().or(parts.detail_en.as_ref()),
            ),
            Language::English => (parts.code.title_en(), parts.detail_en.as_ref()),
        };
        let mut document = Map::new();
        document.insert("type".into(), parts.code.type_uri(to.public_url).into());
        document.insert("title".into(), title.into());
        document.insert("status".into(), parts.code.status().as_u16().into());
        document.insert("detail".into(), detail.map_or(title, AsRef::as_ref).into());
        document.insert("instance".into(), to.instance.into());
        document.insert("code".into(), parts.code.as_str().into());
        document.insert("request_id".into(), to.request_id.into());
        if !parts.errors.is_empty() {
            let errors =
                serde_json::to_value(&parts.errors).expect("field errors are plain strings");
            document.insert("errors".into(), errors);
        }
        document.extend(parts.members.clone());
        Value::Object(document)
    }

    /// The finished answer.
    #[must_use]
    pub fn render(&self, to: &Addressee<'_>) -> Response {
        let body = self.document(to).to_string();
        let mut response = (self.0.code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(
            header::CONTENT_LANGUAGE,
            HeaderValue::from_static(to.language.tag()),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.0.code.status() == http::StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        for (name, value) in &self.0.headers {
            headers.insert(name.clone(), value.clone());
        }
        response
    }
}

/// What the writing down of a problem needs to know of the request.
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    /// Where the service is reached, without a final slash.
    pub public_url: &'a str,
    /// The path of the request, without its query.
    pub instance: &'a str,
    /// The identifier of the request.
    pub request_id: &'a str,
    /// The language of the sentences.
    pub language: Language,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The result of a handler.
pub type ApiResult<T> = Result<T, Problem>;

/// An error answer, as RFC 9457 describes it.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The page that explains this kind of problem.
    #[serde(rename = "type")]
    #[schema(
        format = "uri",
        max_length = 300,
        example = "https://circle.example/problems/not_found"
    )]
    pub kind: String,
    /// The kind of problem in a few words, in English or Russian.
    #[schema(max_length = 200, example = "There is no such thing")]
    pub title: String,
    /// The HTTP status, once more.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    pub status: i32,
    /// What happened this time.
    #[schema(max_length = 1000, example = "There is no such thing")]
    pub detail: String,
    /// The path of the request.
    #[schema(max_length = 2000, example = "/api/v1/users/me")]
    pub instance: String,
    /// The kind of problem, for programs: one of the catalogue at `/problems`.
    #[schema(max_length = 60, pattern = "^[a-z_]+$", example = "not_found")]
    pub code: String,
    /// The identifier of the request, to be told to support.
    #[schema(max_length = 128, example = "019cadf4-6c80-7000-8000-000000000001")]
    pub request_id: String,
    /// Every wrong field, when fields are the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000, required = false)]
    pub errors: Vec<FieldError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_the_better_of_two() {
        for (header, language) in [
            (None, Language::English),
            (Some("ru"), Language::Russian),
            (Some("de, ru-RU;q=0.7, en;q=0.3"), Language::Russian),
            (Some("en;q=0.9, ru;q=0.95"), Language::Russian),
            (Some("en, ru;q=0.5"), Language::English),
            (Some("ru;q=0"), Language::English),
            (Some("fr"), Language::English),
        ] {
            assert_eq!(Language::from_accept(header), language, "{header:?}");
        }
    }

    #[test]
    fn document_carries_all_members() {
        let document = Problem::new(ProblemCode::NotEnoughPoints)
            .detail("asked 500, available 120")
            .member("available", 120)
            .document(&Addressee {
                public_url: "https://circle.example",
                instance: "/api/v1/transactions",
                request_id: "r1",
                language: Language::Russian,
            });
        assert_eq!(
            document["type"],
            "https://circle.example/problems/not_enough_points"
        );
        assert_eq!(document["title"], "Недостаточно баллов");
        assert_eq!(document["status"], 409);
        assert_eq!(document["detail"], "asked 500, available 120");
        assert_eq!(document["instance"], "/api/v1/transactions");
        assert_eq!(document["available"], 120);
        assert_eq!(document["request_id"], "r1");
    }
}
