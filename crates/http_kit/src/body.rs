//! Reading a request's body within its limit: a body that says it is too large is refused before a byte of it is
//! read, one that lies about its length as soon as it passes the limit.

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::problem::{Problem, ProblemCode};

/// The largest body, in bytes, that a route reads. The router sets the usual one; a route that takes more
/// carries its own as `axum::Extension(BodyLimit(n))`.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);

/// The limit of a request that no layer gave another, in bytes.
pub const DEFAULT_BODY_LIMIT: usize = 64 * 1024;

/// The whole body, or the problem that stands in its way (413, or 400 when it broke off).
///
/// # Errors
/// `body_too_large` and `bad_request`.
pub async fn read_body(request: Request) -> Result<Bytes, Problem> {
    let limit = limit_of(&request);
    let (parts, body) = request.into_parts();
    check_length(&parts.headers, limit)?;
    collect(body, limit).await
}

/// Refuses a body whose announced length is over `limit`, before reading it.
///
/// # Errors
/// `body_too_large`.
pub fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok())
        .unwrap_or(0);
    if announced > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large(limit));
    }
    Ok(())
}

/// The limit that holds for this request, in bytes.
#[must_use]
pub fn limit_of(request: &Request) -> usize {
    request
        .extensions()
        .get::<BodyLimit>()
        .map_or(DEFAULT_BODY_LIMIT, |limit| limit.0)
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(_) => Err(Problem::new(ProblemCode::BadRequest).detail("the body broke off")),
    }
}

/// A body that has more than `limit` bytes (413).
#[must_use]
pub fn too_large(limit: usize) -> Problem {
    // The rest of the body is not going to be read, so the connection cannot be used again.
    Problem::new(ProblemCode::BodyTooLarge)
        .detail(format!("this operation takes at most {limit} bytes"))
        .detail_ru(format!("эта операция принимает не больше {limit} байт"))
        .header(header::CONNECTION, HeaderValue::from_static("close"))
}
