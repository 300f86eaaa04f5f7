//! Panics, time limits and callers.

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
