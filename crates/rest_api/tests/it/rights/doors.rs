//! What nobody needs to sign in for, and that nothing else is open.

use std::collections::BTreeSet;
use std::time::Duration;

use rest_api::routes::table;
use test_kit::TestApp;

/// The path with something in place of each parameter.
fn concrete(path: &str) -> String {
    let step = |step: &str| {
        if step.starts_with('{') {
            "019cadf4-6c80-7000-8000-000000000001".to_owned()
        } else {
            step.to_owned()
        }
    };
    path.split('/').map(step).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn without_a_valid_credential_only_public_operations_answer() {
    let app = TestApp::start().await;
    for entry in table() {
        let path = concrete(&entry.path);
        for credential in [None, Some("not.a.token"), Some("ock_unknown")] {
            let mut request = app.request(entry.method, &path);
            if let Some(credential) = credential {
                request = request.bearer(credential);
            }
            let answer = request.send().await;
            assert_eq!(
                answer.status != 401,
                entry.rights.is_public() || answer.text().contains("sign_in_failed"),
                "{} {} by {credential:?}: {}",
                entry.method,
                entry.path,
                answer.text()
            );
        }
        // So many requests of one address would have to wait otherwise.
        app.advance(Duration::from_secs(1));
    }
}

#[test]
fn the_public_operations_are_these() {
    let public: BTreeSet<String> = table()
        .iter()
        .filter(|entry| entry.rights.is_public() && entry.documented)
        .map(|entry| format!("{} {}", entry.method, entry.path))
        .collect();
    let meant = [
        "GET /.well-known/jwks.json",
        "GET /api/v1/auth/consents",
        "GET /api/v1/businesses",
        "GET /api/v1/businesses/{id}",
        "GET /api/v1/loyalty/rules",
        "GET /api/v1/loyalty/tiers",
        "GET /health/live",
        "GET /health/ready",
        "POST /api/v1/auth/otp",
        "POST /api/v1/auth/passkeys/assert",
        "POST /api/v1/auth/refresh",
        "POST /api/v1/auth/token",
    ];
    assert_eq!(public, meant.map(str::to_owned).into());
}

#[test]
fn the_document_says_what_the_table_says() {
    let document = serde_json::to_value(rest_api::openapi()).unwrap();
    let mut documented = 0;
    for entry in table().iter().filter(|entry| entry.documented) {
        documented += 1;
        let method = entry.method.to_lowercase();
        let operation = &document["paths"][&entry.path][&method];
        let at = format!("{} {}", entry.method, entry.path);
        let open = operation["security"].as_array().unwrap().is_empty();
        assert_eq!(open, entry.rights.is_public(), "{at}");
        let said = operation["x-rights"]["roles"].as_array().unwrap();
        let keys = operation["x-rights"]["scopes"].as_array().unwrap();
        assert!(!said.is_empty() || !keys.is_empty(), "{at} is for nobody");
    }
    let operations = document["paths"].as_object().unwrap().values();
    let all: usize = operations.map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(documented, all);
}

#[tokio::test]
async fn what_is_for_those_who_run_the_machine_is_not_here() {
    let app = TestApp::start().await;
    for path in [
        "/metrics",
        "/debug",
        "/debug/pprof",
        "/actuator",
        "/.env",
        "/.git/config",
        "/admin",
        "/api",
        "/api/v1/metrics",
    ] {
        app.get(path).send().await.expect_problem(404, "not_found");
    }
}
