//! Ends a request that takes too long with 503 `timed_out`.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service};

use crate::problem::{Problem, ProblemCode};

/// How long a request may take. A service and its layer in one.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit<S = ()> {
    limit: Duration,
    inner: S,
}

impl TimeLimit {
    /// The layer.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self { limit, inner: () }
    }
}

impl<S> Layer<S> for TimeLimit {
    type Service = TimeLimit<S>;

    fn layer(&self, inner: S) -> TimeLimit<S> {
        TimeLimit {
            limit: self.limit,
            inner,
        }
    }
}

impl<S> Service<Request> for TimeLimit<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answering = tokio::time::timeout(self.limit, self.inner.call(request));
        Box::pin(async move { answering.await.unwrap_or_else(|_| Ok(timed_out())) })
    }
}

fn timed_out() -> Response {
    metrics::counter!("http_requests_timed_out_total").increment(1);
    Problem::new(ProblemCode::TimedOut)
        .retry_after(1)
        .into_response()
}
