//! What happens around every request, from the outside in: a name and a log line, problems written down, security
//! headers, panics caught ([`wrap`]); then, for the API, who calls and how often ([`identify`]) and a time limit
//! ([`time_limit`]).

use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use crate::body::BodyLimit;
use crate::caller::{Identity, recognise};
use crate::kit::HttpKit;
use crate::problem::{Addressee, Language, PROBLEM_JSON, Problem, ProblemCode};
use crate::rate_limit::LimitKey;
use crate::request_id::{ClientAddress, RequestId, TRACEPARENT, X_REQUEST_ID, traceparent};

/// Filled when the caller becomes known, for the log line: kind and identifier.
#[derive(Clone, Debug, Default)]
struct CallerSlot(Arc<OnceLock<(&'static str, Uuid)>>);

/// Puts the layers that every answer passes around a router.
pub fn wrap(router: Router, kit: &HttpKit) -> Router {
    router
        .layer(CatchPanicLayer::custom(caught))
        .layer(axum::Extension(BodyLimit(kit.config().body_bytes)))
        .layer(middleware::from_fn_with_state(kit.clone(), outermost))
}

fn caught(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    Problem::new(ProblemCode::Internal).into_response()
}

async fn outermost(State(kit): State<HttpKit>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::accept(request.headers())
        .unwrap_or_else(|| RequestId::made(kit.services().ids().uuid()));
    let slot = CallerSlot::default();
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(slot.clone());
    let seen = Seen {
        method: method_name(request.method()),
        route: request
            .extensions()
            .get::<MatchedPath>()
            .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned()),
        path: request.uri().path().to_owned(),
        language: Language::from_accept(
            request
                .headers()
                .get(header::ACCEPT_LANGUAGE)
                .and_then(|value| value.to_str().ok()),
        ),
        trace: traceparent(request.headers()).map(ToOwned::to_owned),
        id,
    };
    let mut response = next.run(request).await;
    write_problem(&kit, &seen, &mut response);
    add_headers(&kit, &seen, response.headers_mut());
    log(&seen, slot.0.get(), response.status(), started.elapsed());
    response
}

/// What is remembered of a request while it is answered.
struct Seen {
    method: &'static str,
    route: String,
    path: String,
    language: Language,
    trace: Option<String>,
    id: RequestId,
}

/// Turns a handler's [`Problem`], and every error that a library answered by itself, into the document.
fn write_problem(kit: &HttpKit, seen: &Seen, response: &mut Response) {
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if status.as_u16() >= 400 && !has_own_body(response) => {
            Problem::new(ProblemCode::for_status(status))
        }
        None => return,
    };
    let mut rendered = problem.render(&Addressee {
        public_url: kit.public_url(),
        instance: &seen.path,
        request_id: seen.id.as_str(),
        language: seen.language,
    });
    // What inner layers said stays: Allow, RateLimit and the like.
    for (name, value) in response.headers() {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) {
            rendered
                .headers_mut()
                .entry(name)
                .or_insert_with(|| value.clone());
        }
    }
    *response = rendered;
}

/// Whether an error answer was written by one of our own pages, or is a stored problem given again.
fn has_own_body(response: &Response) -> bool {
    let media_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes);
    let ours = media_type
        .is_some_and(|value| value == PROBLEM_JSON.as_bytes() || value.starts_with(b"text/html"))
        || media_type == Some(b"application/json");
    ours && response.body().size_hint().lower() > 0
}

fn add_headers(kit: &HttpKit, seen: &Seen, headers: &mut HeaderMap) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, kit.origin().clone());
    if kit.is_secure() {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    if let Ok(id) = HeaderValue::from_str(seen.id.as_str()) {
        headers.insert(X_REQUEST_ID, id);
    }
    if let Some(Ok(trace)) = seen.trace.as_deref().map(HeaderValue::from_str) {
        headers.insert(TRACEPARENT, trace);
    }
}

fn log(seen: &Seen, caller: Option<&(&'static str, Uuid)>, status: StatusCode, elapsed: Duration) {
    let labels = [
        ("method", seen.method.to_owned()),
        ("path", seen.route.clone()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels[..2])
        .record(elapsed.as_secs_f64());
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(
        target: "http",
        method = seen.method,
        path = seen.route,
        status = status.as_u16(),
        micros,
        caller = caller.map(|(kind, _)| *kind),
        caller_id = caller.map(|(_, id)| id.to_string()),
        request_id = seen.id.as_str(),
        trace = seen.trace.as_deref(),
        "request"
    );
}

/// The method as a label; whatever a caller invents is one.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// Finds out who calls, and lets pass only as many requests as the caller may make.
pub async fn identify(State(kit): State<HttpKit>, mut request: Request, next: Next) -> Response {
    let identity = match recognise(&kit, request.headers()).await {
        Ok(identity) => identity,
        Err(problem) => return problem.into_response(),
    };
    let key = match &identity {
        Identity::Known(caller) => {
            if let Some(slot) = request.extensions().get::<CallerSlot>() {
                // The slot is filled once; a nested router that asks again says the same.
                let _same = slot.0.set((caller.kind(), caller.principal_id()));
            }
            LimitKey::SignedIn(caller.principal_id())
        }
        Identity::Anonymous | Identity::Refused => {
            LimitKey::address(ClientAddress::of(request.extensions()).0)
        }
    };
    let decision = kit.limiter().take(&key).await;
    let mut response = if let Some(seconds) = decision.retry_after_seconds() {
        metrics::counter!("http_requests_limited_total").increment(1);
        Problem::new(ProblemCode::TooManyRequests)
            .detail(format!("the next request passes in {seconds} s"))
            .detail_ru(format!("следующий запрос пройдёт через {seconds} с"))
            .member("violated-policies", vec!["default"])
            .retry_after(seconds)
            .into_response()
    } else {
        request.extensions_mut().insert(identity);
        next.run(request).await
    };
    decision.write_headers(response.headers_mut());
    response
}

/// Ends a request that takes longer than `limit` with 503 `timed_out`.
pub async fn time_limit(
    State(limit): State<Duration>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            metrics::counter!("http_requests_timed_out_total").increment(1);
            Problem::new(ProblemCode::TimedOut)
                .retry_after(1)
                .into_response()
        }
    }
}
