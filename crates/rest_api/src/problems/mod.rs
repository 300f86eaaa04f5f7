//! The catalogue of problems for people: the list, and a page for each code, to which the `type` of an error answer
//! points. The pages need no other host.

use std::fmt::Write as _;

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use http_kit::ApiPath;
use http_kit::problem::{Language, Problem};
use http_kit::problem_codes::ProblemCode;

use crate::reference_page::PAGE_POLICY;

/// GET /problems
pub(crate) async fn list(headers: HeaderMap) -> Response {
    let language = language(&headers);
    let mut rows = String::new();
    for code in ProblemCode::ALL {
        let (name, status, title) = (
            code.as_str(),
            code.status().as_u16(),
            title(*code, language),
        );
        let _infallible = write!(
            rows,
            "<tr><td>{status}</td><td><a href=\"/problems/{name}\"><code>{name}</code></a></td><td>{title}</td></tr>"
        );
    }
    let heading = match language {
        Language::English => "Problems",
        Language::Russian => "Ошибки",
    };
    page(
        language,
        heading,
        &format!("<table><tbody>{rows}</tbody></table><p><a href=\"/docs\">API</a></p>"),
    )
}

/// GET /problems/{code}
pub(crate) async fn one(
    headers: HeaderMap,
    ApiPath(name): ApiPath<String>,
) -> Result<Response, Problem> {
    let code = ProblemCode::from_name(&name).ok_or_else(Problem::not_found)?;
    let language = language(&headers);
    let (name, status, advice) = (code.as_str(), code.status(), code.advice());
    let body = format!(
        "<p><code>{name}</code> · HTTP {status}</p><p lang=\"en\">{advice}</p><p><a href=\"/problems\">/problems</a></p>"
    );
    Ok(page(language, title(code, language), &body))
}

fn title(code: ProblemCode, language: Language) -> &'static str {
    match language {
        Language::English => code.title_en(),
        Language::Russian => code.title_ru(),
    }
}

fn language(headers: &HeaderMap) -> Language {
    let accept = headers.get(header::ACCEPT_LANGUAGE);
    Language::from_accept(accept.and_then(|value| value.to_str().ok()))
}

/// Only texts of the catalogue come here, none of the caller's, so nothing needs escaping.
fn page(language: Language, heading: &str, body: &str) -> Response {
    let tag = language.tag();
    let html = format!(
        "<!doctype html><html lang=\"{tag}\"><head><meta charset=\"utf-8\"><title>{heading} · Own Circle</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/docs/reference.css\"></head>\
         <body class=\"plain\"><main><h1>{heading}</h1>{body}</main></body></html>"
    );
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(tag));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("max-age=300"),
    );
    response
}
