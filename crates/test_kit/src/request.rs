//! Requests and answers in a test, in one line each.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use http_kit::ProblemCode;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::confidence;

/// A request that is not yet sent.
#[derive(Debug)]
pub struct RequestBuilder {
    router: Router,
    request: Request<Body>,
}

impl RequestBuilder {
    /// A request to any router.
    ///
    /// # Panics
    /// If `path` is no path.
    #[must_use]
    pub fn new(router: Router, method: Method, path: &str) -> Self {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("a path and query");
        Self { router, request }
    }

    /// Signs the request with an access token or an integration key.
    #[must_use]
    pub fn bearer(self, credential: &str) -> Self {
        self.header("authorization", &format!("Bearer {credential}"))
    }

    /// Names the attempt.
    #[must_use]
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Adds or replaces a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = value.parse().expect("a header value");
        self.request.headers_mut().insert(name, value);
        self
    }

    /// Gives the request a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        confidence::note_request(self.request.uri().path(), body);
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Gives the request a body as it is.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// Lets the request come from this address, `192.0.2.1`.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn from(mut self, address: &str) -> Self {
        let address: IpAddr = address.parse().expect("an address");
        let socket = SocketAddr::new(address, 40_000);
        self.request.extensions_mut().insert(ConnectInfo(socket));
        self
    }

    /// Sends the request through the whole router and reads the answer.
    pub async fn send(self) -> Answer {
        confidence::note_headers(self.request.headers());
        let response = self
            .router
            .oneshot(self.request)
            .await
            .expect("a router never fails");
        Answer::read(response).await
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body in memory").to_bytes();
        confidence::note_answer(&body);
        Self {
            status: parts.status,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text, empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Asserts the status and gives the body as JSON.
    ///
    /// # Panics
    /// If the status is another.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// Asserts that the answer is this problem, whole as RFC 9457 and we want it, and gives it.
    ///
    /// # Panics
    /// If it is another answer.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(problem["status"], status);
        let kind = problem["type"].as_str().unwrap_or_default();
        let expected = ProblemCode::from_name(code).expect("a code of the catalogue");
        assert!(kind.ends_with(&expected.type_uri("")), "{problem}");
        for member in ["title", "detail", "instance", "request_id"] {
            assert!(
                problem[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{member} in {problem}"
            );
        }
        problem
    }
}
