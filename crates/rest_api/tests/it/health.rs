//! Live and ready.

use http_kit::{HttpConfig, Readiness};
use test_kit::TestApp;

#[tokio::test]
async fn a_healthy_process_is_live_and_ready() {
    let app = TestApp::start().await;
    assert_eq!(
        app.get("/health/live").send().await.expect(200)["status"],
        "live"
    );
    let ready = app.get("/health/ready").send().await.expect(200);
    assert_eq!(ready["database"], "ready");
    assert_eq!(ready["shared_state"], "in_process");
    assert_eq!(ready["process"], "running");
}

#[tokio::test]
async fn a_stopping_process_is_live_and_not_ready() {
    let readiness = Readiness::default();
    let http = HttpConfig {
        readiness: readiness.clone(),
        ..HttpConfig::default()
    };
    let app = TestApp::with_http(http).await;
    readiness.stop();
    app.get("/health/live").send().await.expect(200);
    let ready = app.get("/health/ready").send().await.expect(503);
    assert_eq!(ready["status"], "not_ready");
    assert_eq!(ready["process"], "stopping");
}

#[tokio::test]
async fn without_a_database_the_process_is_live_and_not_ready() {
    let app = TestApp::start().await;
    app.context.pool().close().await;
    app.get("/health/live").send().await.expect(200);
    let ready = app.get("/health/ready").send().await.expect(503);
    assert_eq!(ready["database"], "unreachable");
}
