//! What an operation's own record in the document says of every answer: in which forms it comes (`Accept`), and since
//! when and until when it is deprecated. Read once from the routes, so that it cannot drift from the document.
//!
//! An operation is deprecated by one mark beside its path:
//! `extensions(("x-deprecation" = json!({"since": "2027-01-01T00:00:00Z", "sunset": "2028-01-01T00:00:00Z", "more": "/docs"})))`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_kit::problem::PROBLEM_JSON;
use http_kit::{Problem, ProblemCode};
use serde::Deserialize;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use crate::openapi::marks::X_DEPRECATION;

/// What is kept of all operations.
#[derive(Clone, Debug)]
pub struct Manners(Arc<HashMap<String, Vec<(Method, Record)>>>);

/// What is kept of one operation.
#[derive(Clone, Debug, Default)]
struct Record {
    /// The media types of its good answers; none where they have no body.
    forms: Vec<String>,
    /// What a deprecated operation adds to each answer.
    farewell: Vec<(HeaderName, HeaderValue)>,
}

/// The mark of a deprecated operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deprecation {
    /// From when on it should not be used.
    since: DateTime<Utc>,
    /// When it ends.
    sunset: DateTime<Utc>,
    /// Where to read what takes its place.
    more: String,
}

impl Manners {
    /// The records of all operations in a document that is not finished yet.
    ///
    /// # Panics
    /// If a mark is malformed, or the end comes before the deprecation.
    #[must_use]
    pub fn of(document: &OpenApi) -> Self {
        let mut all: HashMap<String, Vec<(Method, Record)>> = HashMap::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in operations(item) {
                let records = all.entry(path.clone()).or_default();
                records.push((method, Record::of(path, operation)));
            }
        }
        Self(Arc::new(all))
    }

    fn record(&self, request: &Request) -> Option<&Record> {
        let path = request.extensions().get::<MatchedPath>()?;
        // HEAD asks for what GET would say.
        let method = match *request.method() {
            Method::HEAD => &Method::GET,
            ref other => other,
        };
        let of_path = self.0.get(path.as_str())?;
        let found = of_path.iter().find(|(of, _)| of == method);
        found.map(|(_, record)| record)
    }
}

impl Record {
    fn of(path: &str, operation: &Operation) -> Self {
        let good = operation.responses.responses.iter();
        let forms = good
            .filter(|(status, _)| status.starts_with('2'))
            .filter_map(|(_, response)| match response {
                RefOr::T(response) => Some(response),
                RefOr::Ref(_) => None,
            })
            .flat_map(|response| response.content.keys().cloned());
        let marks = operation.extensions.as_ref();
        let farewell = marks
            .and_then(|marks| marks.get(X_DEPRECATION))
            .map(|mark| {
                Deprecation::deserialize(mark)
                    .unwrap_or_else(|error| panic!("{path}: {X_DEPRECATION}: {error}"))
                    .headers(path)
            });
        Self {
            forms: forms.collect(),
            farewell: farewell.unwrap_or_default(),
        }
    }

    /// Whether one of its forms is wanted; an error may always be told.
    fn suits(&self, accept: &str) -> bool {
        let mut wanted = accept.split(',').filter_map(media_range);
        self.forms.is_empty()
            || wanted.any(|range| {
                let forms = self.forms.iter().map(String::as_str);
                forms.chain([PROBLEM_JSON]).any(|form| fits(range, form))
            })
    }
}

impl Deprecation {
    fn headers(&self, path: &str) -> Vec<(HeaderName, HeaderValue)> {
        assert!(
            self.sunset >= self.since,
            "{path}: it ends before it is deprecated"
        );
        let texts = [
            (
                HeaderName::from_static("deprecation"),
                format!("@{}", self.since.timestamp()),
            ),
            (
                HeaderName::from_static("sunset"),
                self.sunset.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            ),
            (
                header::LINK,
                format!(
                    "<{more}>; rel=\"deprecation\", <{more}>; rel=\"sunset\"",
                    more = self.more
                ),
            ),
        ];
        texts
            .into_iter()
            .map(|(name, text)| {
                let value = HeaderValue::try_from(text);
                (
                    name,
                    value.unwrap_or_else(|error| panic!("{path}: {error}")),
                )
            })
            .collect()
    }
}

fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

/// The media range of one element of `Accept`; none when it is refused by `q=0`.
fn media_range(element: &str) -> Option<&str> {
    let mut parts = element.split(';').map(str::trim);
    let range = parts.next()?;
    let refused = parts.any(|part| {
        part.strip_prefix("q=")
            .is_some_and(|weight| weight.trim_matches(['0', '.']).is_empty())
    });
    (!refused).then_some(range)
}

fn fits(range: &str, form: &str) -> bool {
    let form = form.split(';').next().unwrap_or(form).trim();
    match range.strip_suffix("/*") {
        Some("*") => true,
        Some(kind) => form
            .split_once('/')
            .is_some_and(|(of, _)| of.eq_ignore_ascii_case(kind)),
        None => range.eq_ignore_ascii_case(form),
    }
}

/// Whether whatever comes will do.
fn undemanding(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(header::ACCEPT) else {
        return true;
    };
    matches!(accept.as_bytes(), b"*/*" | b"")
}

/// Refuses what no form would suit (406), and says of a deprecated operation that it is.
pub async fn observe(State(manners): State<Manners>, request: Request, next: Next) -> Response {
    let Some(record) = manners.record(&request) else {
        return next.run(request).await;
    };
    let accept = request.headers().get_all(header::ACCEPT);
    let suits = undemanding(request.headers())
        || accept
            .iter()
            .any(|line| line.to_str().is_ok_and(|line| record.suits(line)));
    let mut response = if suits {
        next.run(request).await
    } else {
        let forms = record.forms.join(", ");
        Problem::new(ProblemCode::NotAcceptable)
            .detail(format!("this operation answers with {forms}"))
            .detail_ru(format!("эта операция отвечает в виде {forms}"))
            .into_response()
    };
    for (name, value) in &record.farewell {
        response.headers_mut().append(name.clone(), value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use http::StatusCode;
    use tower::ServiceExt as _;
    use utoipa_axum::router::OpenApiRouter;
    use utoipa_axum::routes;

    use super::*;

    /// An operation of yesterday
    #[utoipa::path(
        get, path = "/old", operation_id = "old", tag = "health",
        responses((status = 200, description = "Still here", body = String, content_type = "text/csv")),
        extensions(("x-deprecation" = json!({
            "since": "2027-01-01T00:00:00Z", "sunset": "2028-01-01T00:00:00Z", "more": "/docs#new",
        }))),
    )]
    async fn old() -> &'static str {
        "a,b"
    }

    /// An operation of today
    #[utoipa::path(
        get, path = "/new", operation_id = "new", tag = "health",
        responses((status = 204, description = "Here")),
    )]
    async fn new() -> StatusCode {
        StatusCode::NO_CONTENT
    }

    fn service() -> (Router, OpenApi) {
        let (router, document) = OpenApiRouter::new()
            .routes(routes!(old))
            .routes(routes!(new))
            .split_for_parts();
        let manners = Manners::of(&document);
        (router.layer(from_fn_with_state(manners, observe)), document)
    }

    async fn ask(method: Method, path: &str, accept: Option<&str>) -> Response {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(accept) = accept {
            request = request.header(header::ACCEPT, accept);
        }
        let request = request.body(Body::empty()).unwrap();
        service().0.oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_deprecated_operation_says_so_on_every_answer() {
        for (method, accept) in [
            (Method::GET, None),
            (Method::HEAD, None),
            (Method::GET, Some("image/png")),
        ] {
            let answer = ask(method, "/old", accept).await;
            let headers = answer.headers();
            assert_eq!(headers["deprecation"], "@1798761600");
            assert_eq!(headers["sunset"], "Sat, 01 Jan 2028 00:00:00 GMT");
            assert_eq!(
                headers["link"],
                "</docs#new>; rel=\"deprecation\", </docs#new>; rel=\"sunset\""
            );
        }
        let answer = ask(Method::GET, "/new", None).await;
        assert!(!answer.headers().contains_key("deprecation"));
    }

    #[test]
    fn the_document_says_it_too() {
        let (_, mut document) = service();
        crate::openapi::finish(&mut document);
        let document = serde_json::to_value(&document).unwrap();
        let old = &document["paths"]["/old"]["get"];
        assert_eq!(old["deprecated"], true);
        for name in ["Deprecation", "Sunset", "Link"] {
            let reference = &old["responses"]["200"]["headers"][name]["$ref"];
            assert_eq!(reference, &format!("#/components/headers/{name}"));
        }
        assert!(document["paths"]["/new"]["get"].get("deprecated").is_none());
    }

    #[tokio::test]
    async fn a_form_that_nobody_has_is_refused() {
        for accept in [
            "text/csv",
            "text/*",
            "*/*",
            "",
            "image/png, */*;q=0.1",
            "application/problem+json",
        ] {
            let answer = ask(Method::GET, "/old", Some(accept)).await;
            assert_eq!(answer.status(), StatusCode::OK, "{accept}");
        }
        for accept in ["application/json", "text/html", "text/csv;q=0", "nonsense"] {
            let answer = ask(Method::GET, "/old", Some(accept)).await;
            assert_eq!(answer.status(), StatusCode::NOT_ACCEPTABLE, "{accept}");
        }
        // There is no body that could not suit.
        let answer = ask(Method::GET, "/new", Some("text/html")).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
}
