//! Layers and extractors, tested on a router of a few small handlers.

mod around;
mod bodies;
mod flood;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use http::Method;
use http_kit::caller::By;
use http_kit::etag::etag;
use http_kit::layers::{Gate, TimeLimit, identify, wrap};
use http_kit::{ApiJson, BodyLimit, HttpConfig, HttpKit, IdempotentJson, Problem, Rights};
use serde::Deserialize;
use services::caller::MemberCaller;
use test_kit::{RequestBuilder, TestApp};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// What the handlers read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    #[schema(minimum = 1, maximum = 100)]
    count: i64,
}

/// The router, and the service that it stands on.
struct Small {
    router: Router,
    /// Each permit lets one request of `/wait` go.
    gate: Arc<Semaphore>,
    _app: TestApp,
}

impl Small {
    async fn start() -> Self {
        Self::with(HttpConfig::default()).await
    }

    async fn with(config: HttpConfig) -> Self {
        let app = TestApp::start().await;
        let kit = HttpKit::new(app.context.clone(), config);
        let gate = Arc::new(Semaphore::new(0));
        let waiting = Arc::clone(&gate);
        let wait = get(move || async move {
            let permit = waiting.acquire().await.expect("the gate stays");
            permit.forget();
            "through"
        });
        let large = post(|body: ApiJson<Order>| async move { body.0.count.to_string() })
            .layer(axum::Extension(BodyLimit(200_000)));
        let router = Router::new()
            .route(
                "/order",
                post(|body: ApiJson<Order>| async move { body.0.count.to_string() }),
            )
            .route("/large", large)
            .route(
                "/once",
                post(|body: IdempotentJson<Order>| async move {
                    format!("{}:{}", body.key.as_str(), body.value.count)
                }),
            )
            .route("/member", get(|_: By<MemberCaller>| async { "member" }))
            .route("/panic", get(|| async { panicking() }))
            .route("/slow", get(std::future::pending::<()>))
            .route(
                "/broken",
                get(|| async { Problem::internal(&std::fmt::Error) }),
            )
            .route(
                "/versioned",
                get(|| async { ([(http::header::ETAG, etag(3))], "a body") }).post(|| async { "" }),
            )
            .layer(TimeLimit::new(Duration::from_millis(20)))
            .route("/wait", wait)
            .layer(from_fn_with_state(
                Gate::new(&kit, Rights::ANYONE),
                identify,
            ));
        Self {
            router: wrap(router.with_state(kit.clone()), &kit),
            gate,
            _app: app,
        }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder::new(self.router.clone(), method, path)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }
}

fn panicking() -> &'static str {
    panic!("a secret that nobody should read")
}
