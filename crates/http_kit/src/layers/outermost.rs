//! The outermost layer: what is remembered of a request, and what every answer gets.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tower::{Layer, Service};
use uuid::Uuid;

use crate::body::BodyLimit;
use crate::etag::not_modified;
use crate::kit::HttpKit;
use crate::problem::{Addressee, Language, PROBLEM_JSON, Problem, ProblemCode};
use crate::request_id::{ClientAddress, RequestId, TRACEPARENT, X_REQUEST_ID, traceparent};

/// Filled when the caller becomes known, for the log line: kind and identifier.
#[derive(Clone, Debug, Default)]
pub(super) struct CallerSlot(Arc<OnceLock<(&'static str, Uuid)>>);

impl CallerSlot {
    /// Fills the slot once; a nested router that asks again says the same.
    pub(super) fn fill(&self, kind: &'static str, id: Uuid) {
        let _same = self.0.set((kind, id));
    }
}

/// See the module. A service and its layer in one.
#[derive(Clone, Debug)]
pub(super) struct Outermost<S = ()> {
    kit: HttpKit,
    inner: S,
}

impl Outermost {
    /// The layer.
    pub(super) fn new(kit: &HttpKit) -> Self {
        Self {
            kit: kit.clone(),
            inner: (),
        }
    }
}

impl<S> Layer<S> for Outermost {
    type Service = Outermost<S>;

    fn layer(&self, inner: S) -> Outermost<S> {
        Outermost {
            kit: self.kit.clone(),
            inner,
        }
    }
}

impl<S, B> Service<Request> for Outermost<S>
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let started = Instant::now();
        let kit = self.kit.clone();
        let (seen, slot) = (Seen::of(&request, &kit), CallerSlot::default());
        let proxies = &kit.config().trusted_proxies;
        let client = if proxies.is_empty() {
            None
        } else {
            ClientAddress::behind(proxies, request.extensions(), request.headers())
        };
        let extensions = request.extensions_mut();
        // Ours, or none: whoever sits before us has no say here.
        extensions.remove::<ClientAddress>();
        if let Some(client) = client {
            extensions.insert(client);
        }
        extensions.insert(BodyLimit(kit.config().body_bytes));
        extensions.insert(seen.id.clone());
        extensions.insert(slot.clone());
        let answering = self.inner.call(request);
        Box::pin(async move {
            let Ok(response) = answering.await;
            let mut response = response.map(axum::body::Body::new);
            list_methods(&seen, &mut response);
            spare_the_body(&seen, &mut response);
            write_problem(&kit, &seen, &mut response);
            add_headers(&kit, &seen, response.headers_mut());
            note(
                &kit,
                &seen,
                slot.0.get(),
                response.status(),
                started.elapsed(),
            );
            Ok(response)
        })
    }
}

/// What is remembered of a request while it is answered. Cheap to make: most of it is shared.
struct Seen {
    method: &'static str,
    route: Option<MatchedPath>,
    uri: Uri,
    language: Language,
    trace: Option<HeaderValue>,
    known: Option<HeaderValue>,
    id: RequestId,
}

impl Seen {
    fn of(request: &Request, kit: &HttpKit) -> Self {
        let headers = request.headers();
        let language = headers.get(header::ACCEPT_LANGUAGE);
        Self {
            method: method_name(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
            uri: request.uri().clone(),
            language: Language::from_accept(language.and_then(|value| value.to_str().ok())),
            trace: traceparent(headers),
            known: headers.get(header::IF_NONE_MATCH).cloned(),
            id: RequestId::accept(headers)
                .unwrap_or_else(|| RequestId::made(kit.services().ids().uuid())),
        }
    }

    /// The pattern of the address, as a label.
    fn route(&self) -> &str {
        self.route.as_ref().map_or("unmatched", MatchedPath::as_str)
    }
}

/// `OPTIONS` is answered with the methods that an address has, instead of as a wrong one.
fn list_methods(seen: &Seen, response: &mut Response) {
    let wrong = response.status() == StatusCode::METHOD_NOT_ALLOWED;
    // The router adds Allow outside of this layer.
    if seen.method == "OPTIONS" && wrong {
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.extensions_mut().remove::<Problem>();
    }
}

/// A reader who has this version already is spared the body (304).
fn spare_the_body(seen: &Seen, response: &mut Response) {
    let reads = matches!(seen.method, "GET" | "HEAD") && response.status() == StatusCode::OK;
    let (Some(known), true) = (&seen.known, reads) else {
        return;
    };
    let same = |tag: &HeaderValue| not_modified(known, tag);
    if response.headers().get(header::ETAG).is_some_and(same) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = axum::body::Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
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
        instance: seen.uri.path(),
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

/// What every answer says unless a handler says something else.
const FIXED: [(HeaderName, HeaderValue); 7] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Said where the service is reached over TLS.
const STRICT_TRANSPORT: HeaderValue =
    HeaderValue::from_static("max-age=31536000; includeSubDomains");

fn add_headers(kit: &HttpKit, seen: &Seen, headers: &mut HeaderMap) {
    // Those below, and the server's date and length.
    headers.reserve(FIXED.len() + 6);
    for (name, value) in FIXED {
        headers.entry(name).or_insert(value);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, kit.origin().clone());
    if kit.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    headers.insert(X_REQUEST_ID, seen.id.header().clone());
    if let Some(trace) = &seen.trace {
        headers.insert(TRACEPARENT, trace.clone());
    }
}

/// Counts an answer and writes its line in the log.
fn note(
    kit: &HttpKit,
    seen: &Seen,
    caller: Option<&(&'static str, Uuid)>,
    status: StatusCode,
    elapsed: Duration,
) {
    let counts = kit.request_counts();
    counts.note(seen.method, seen.route(), status.as_u16(), elapsed);
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let trace = seen.trace.as_ref().and_then(|value| value.to_str().ok());
    tracing::info!(
        target: "http",
        method = seen.method,
        path = seen.route(),
        status = status.as_u16(),
        micros,
        caller = caller.map(|(kind, _)| *kind),
        caller_id = caller.map(|(_, id)| tracing::field::display(id)),
        request_id = seen.id.as_str(),
        trace,
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
