//! The OpenAPI 3.1 document: made from the routes, completed in [`finish`], the same for every request.

mod examples;
pub(crate) mod finish;
mod headers;
pub mod marks;
mod shared;

use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

pub(crate) use self::finish::finish;
use crate::routes;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Own Circle",
        version = "1.0.0",
        description = "A coalition loyalty and community programme in one server.\n\n\
            Money and points are integers in hundredths, percentages are basis points, moments are RFC 3339 in UTC, identifiers \
            are UUIDs whose order is that of time. Errors are RFC 9457 problems with a `code` from the catalogue at `/problems`. \
            Operations that move points take an `Idempotency-Key`; a repeated request gets the stored answer with \
            `Idempotency-Replayed: true`. Lists are paged with `cursor` and `limit`.",
        license(name = "MIT", identifier = "MIT"),
        contact(name = "Own Circle", url = "https://circle.example"),
    ),
    servers((url = "/", description = "This server: production, or your local one")),
    tags(
        (name = "auth", description = "Signing in, sessions"),
        (name = "users", description = "The member's own profile and card"),
        (name = "loyalty", description = "Points, tiers, quotes and holds"),
        (name = "transactions", description = "Purchases and refunds"),
        (name = "businesses", description = "Partners, their places, people and keys"),
        (name = "admin", description = "Running the programme"),
        (name = "health", description = "For machines that watch the service"),
        (name = "well-known", description = "For programs that trust the service's tokens"),
    ),
)]
struct Base;

/// The frame of the document, without operations.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

/// The finished document.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = routes::documented();
    finish(&mut document);
    document
}

/// GET /openapi.json
pub(crate) async fn document() -> Response {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| {
        let text = openapi().to_json().expect("the document is plain JSON");
        Bytes::from(text)
    });
    let mut response = text.clone().into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
