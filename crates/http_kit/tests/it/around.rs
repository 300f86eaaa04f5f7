//! Panics, time limits and callers.

use http::Method;

use crate::Small;

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    let small = Small::start().await;
    let answer = small.get("/panic").send().await;
    answer.expect_problem(500, "internal");
    assert!(!answer.text().contains("secret"));
}

#[tokio::test]
async fn an_unexpected_error_tells_nothing() {
    let small = Small::start().await;
    let answer = small.get("/broken").send().await;
    let problem = answer.expect_problem(500, "internal");
    assert_eq!(problem["detail"], problem["title"]);
}

#[tokio::test]
async fn a_slow_answer_ends() {
    let small = Small::start().await;
    let answer = small.get("/slow").send().await;
    answer.expect_problem(503, "timed_out");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn without_a_valid_credential_there_is_no_caller() {
    let small = Small::start().await;
    let answer = small.get("/member").send().await;
    answer.expect_problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    for header in [
        "Bearer nonsense",
        "Bearer a.b.c",
        "Basic dXNlcjpwYXNz",
        "Bearer ",
    ] {
        let answer = small
            .get("/member")
            .header("authorization", header)
            .send()
            .await;
        answer.expect_problem(401, "unauthenticated");
        assert!(answer.header("ratelimit").contains("default"), "{header}");
    }
}

#[tokio::test]
async fn a_reader_who_has_this_version_is_spared_the_body() {
    let small = Small::start().await;
    let whole = small.get("/versioned").send().await;
    assert_eq!(
        (whole.status.as_u16(), whole.text().as_str()),
        (200, "a body")
    );
    for known in ["\"v3\"", "W/\"v3\"", "\"v1\", \"v3\"", "*"] {
        for method in [Method::GET, Method::HEAD] {
            let request = small.request(method, "/versioned");
            let answer = request.header("if-none-match", known).send().await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.len()),
                (304, 0),
                "{known}"
            );
            assert_eq!(answer.header("etag"), "\"v3\"");
            assert_eq!(answer.header("content-type"), "");
        }
    }
    let other = small.get("/versioned").header("if-none-match", "\"v2\"");
    assert_eq!(other.send().await.status, 200);
    let change = small.post("/versioned").header("if-none-match", "\"v3\"");
    assert_eq!(change.send().await.status, 200);
}

#[tokio::test]
async fn the_methods_of_an_address_are_told_to_whoever_asks() {
    let small = Small::start().await;
    let answer = small.request(Method::OPTIONS, "/versioned").send().await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_eq!(answer.header("allow"), "GET,HEAD,POST");
    let wrong = small.request(Method::DELETE, "/versioned").send().await;
    wrong.expect_problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn a_credential_without_end_is_refused() {
    let small = Small::start().await;
    for length in [8 * 1024 + 1, 100_000] {
        let request = small.get("/member");
        let token = format!("Bearer {}", "x".repeat(length));
        let answer = request.header("authorization", &token).send().await;
        answer.expect_problem(401, "unauthenticated");
        assert!(!answer.text().contains("xxxx"));
    }
}
