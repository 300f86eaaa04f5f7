//! The reference for people: one page and a script of ours that reads `/openapi.json`. It asks no other host and runs
//! no inline script.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};

/// What these pages may load: their own script, style and the document.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// GET /docs
pub(crate) async fn page() -> Response {
    asset("text/html; charset=utf-8", include_str!("reference.html"))
}

/// GET /docs/reference.css
pub(crate) async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("reference.css"))
}

/// GET /docs/reference.js
pub(crate) async fn script() -> Response {
    asset(
        "text/javascript; charset=utf-8",
        include_str!("reference.js"),
    )
}

fn asset(media_type: &'static str, text: &'static str) -> Response {
    let fixed: [(HeaderName, &'static str); 3] = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let mut response = text.into_response();
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
