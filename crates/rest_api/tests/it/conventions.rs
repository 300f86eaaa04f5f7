//! What holds for every answer: problems, headers, limits.

use std::num::NonZeroU32;
use std::time::Duration;

use http_kit::HttpConfig;
use http_kit::problem_codes::ProblemCode;
use http_kit::rate_limit::Quota;
use test_kit::TestApp;

#[tokio::test]
async fn an_unknown_address_is_a_problem() {
    let app = TestApp::start().await;
    for path in [
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v2/users/me",
        "/docs/nothing.js",
        "/problems/no_such_code",
    ] {
        let problem = app.get(path).send().await.expect_problem(404, "not_found");
        assert_eq!(problem["instance"], path);
    }
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_names_the_right_ones() {
    let app = TestApp::start().await;
    for method in ["POST", "DELETE", "TRACE", "BREW"] {
        let answer = app.request(method, "/health/live").send().await;
        answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), "GET,HEAD");
    }
}

#[tokio::test]
async fn a_request_keeps_a_sane_name_and_gets_one_otherwise() {
    let app = TestApp::start().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = app
        .get("/nowhere?phone=secret")
        .header("x-request-id", "till-7.1")
        .header("traceparent", trace)
        .send()
        .await;
    assert_eq!(answer.header("x-request-id"), "till-7.1");
    assert_eq!(answer.header("traceparent"), trace);
    let problem = answer.json();
    assert_eq!(problem["request_id"], "till-7.1");
    assert_eq!(problem["instance"], "/nowhere");
    let answer = app
        .get("/nowhere")
        .header("x-request-id", "a b")
        .send()
        .await;
    assert_eq!(answer.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let app = TestApp::start().await;
    for path in [
        "/health/live",
        "/nowhere",
        "/docs",
        "/openapi.json",
        "/problems",
    ] {
        let answer = app.get(path).send().await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{path}"
        );
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "http://127.0.0.1:8080",
            "{path}"
        );
        assert_eq!(answer.header("server"), "", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    assert_eq!(
        app.get("/health/live").send().await.header("cache-control"),
        "no-store"
    );
}

#[tokio::test]
async fn problems_speak_russian_when_asked() {
    let app = TestApp::start().await;
    let answer = app
        .get("/nowhere")
        .header("accept-language", "ru-RU, en;q=0.5")
        .send()
        .await;
    assert_eq!(
        answer.expect_problem(404, "not_found")["title"],
        "Не найдено"
    );
    assert_eq!(answer.header("content-language"), "ru");
}

#[tokio::test]
async fn too_many_requests_of_one_address_wait() {
    let quota = Quota {
        per_second: NonZeroU32::new(1).unwrap(),
        burst: NonZeroU32::new(3).unwrap(),
    };
    let app = TestApp::with_http(HttpConfig {
        anonymous_quota: quota,
        ..HttpConfig::default()
    })
    .await;
    for left in [2, 1, 0] {
        let answer = app.get("/api/v1/nowhere").send().await;
        answer.expect_problem(404, "not_found");
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=3;w=3");
        assert!(
            answer
                .header("ratelimit")
                .starts_with(&format!("\"default\";r={left};"))
        );
    }
    let refused = app.get("/api/v1/nowhere").send().await;
    refused.expect_problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), "1");
    app.get("/health/live").send().await.expect(200);
    app.advance(Duration::from_secs(1));
    app.get("/api/v1/nowhere")
        .send()
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn every_problem_has_a_page() {
    let app = TestApp::start().await;
    let list = app.get("/problems").send().await;
    assert_eq!(list.status, 200);
    for code in ProblemCode::ALL {
        let path = format!("/problems/{}", code.as_str());
        assert!(list.text().contains(&path), "{path}");
        let page = app.get(&path).header("accept-language", "ru").send().await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains(code.title_ru()), "{path}");
    }
}

#[tokio::test]
async fn a_request_is_one_log_line_that_keeps_secrets() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    let guard = tracing::subscriber::set_default(subscriber);
    let request = app
        .patch("/api/v1/users/me?phone=79161234567")
        .bearer(&anna.token);
    let answer = request
        .json(&serde_json::json!({"name": "Аннушка"}))
        .header("x-request-id", "r-1")
        .send()
        .await;
    drop(guard);
    answer.expect(200);
    let text = log.text();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("\"target\":\"http\""))
        .collect();
    assert_eq!(lines.len(), 1, "{text}");
    let line: serde_json::Value = serde_json::from_str(lines[0]).expect("JSON");
    let fields = &line["fields"];
    assert_eq!(fields["method"], "PATCH");
    assert_eq!(fields["path"], "/api/v1/users/me");
    assert_eq!(fields["status"], 200);
    assert_eq!(fields["caller"], "person");
    assert_eq!(fields["caller_id"], anna.member.to_string());
    assert_eq!(fields["request_id"], "r-1");
    for secret in ["9161234567", "Аннушка", &anna.token] {
        assert!(!text.contains(secret), "{secret} stands in the log");
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("nobody panicked while logging");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("nobody panicked while logging")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
