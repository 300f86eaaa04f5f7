//! JSON bodies: media type, size, syntax, fields, and the key of an operation that must not happen twice.

use axum::body::Body;
use futures_util::stream;
use serde_json::json;

use crate::Small;

#[tokio::test]
async fn a_right_body_is_read() {
    let small = Small::start().await;
    let answer = small.post("/order").json(&json!({"count": 7})).send().await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "7"));
    let answer = small
        .post("/order")
        .header("content-type", "Application/JSON; charset=utf-8")
        .body("{\"count\":7}")
        .send()
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn another_media_type_is_refused() {
    let small = Small::start().await;
    for media_type in ["text/plain", "application/jsonx", ""] {
        let request = small
            .post("/order")
            .header("content-type", media_type)
            .body("{\"count\":7}");
        request
            .send()
            .await
            .expect_problem(415, "unsupported_media_type");
    }
    small
        .post("/order")
        .body("{}")
        .send()
        .await
        .expect_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let small = Small::start().await;
    let unread = stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let answer = small
        .post("/order")
        .header("content-type", "application/json")
        .header("content-length", "70000")
        .body(Body::from_stream(unread))
        .send()
        .await;
    answer.expect_problem(413, "body_too_large");
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn a_body_that_hides_its_length_is_cut_off() {
    let small = Small::start().await;
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1000]));
    let request = small
        .post("/order")
        .header("content-type", "application/json");
    let answer = request.body(Body::from_stream(endless)).send().await;
    answer.expect_problem(413, "body_too_large");
}

#[tokio::test]
async fn a_route_may_take_more() {
    let small = Small::start().await;
    let body = format!("{}{{\"count\":7}}", " ".repeat(100_000));
    let send = |path: &'static str| {
        let request = small.post(path).header("content-type", "application/json");
        request.body(body.clone()).send()
    };
    assert_eq!(send("/large").await.status, 200);
    send("/order").await.expect_problem(413, "body_too_large");
}

#[tokio::test]
async fn wrong_fields_are_named_with_pointers() {
    let small = Small::start().await;
    let answer = small
        .post("/order")
        .json(&json!({"count": 0, "total": 1}))
        .send()
        .await;
    let problem = answer.expect_problem(422, "invalid_fields");
    let mut errors: Vec<_> = problem["errors"].as_array().expect("errors").clone();
    errors.sort_by_key(|error| error["pointer"].to_string());
    assert_eq!(errors[0]["pointer"], "/count");
    assert_eq!(errors[0]["code"], "out_of_range");
    assert_eq!(errors[1]["pointer"], "/total");
    assert_eq!(errors[1]["code"], "unknown_field");
    small
        .post("/order")
        .header("content-type", "application/json")
        .body("{\"count\":")
        .send()
        .await
        .expect_problem(400, "invalid_json");
}

#[tokio::test]
async fn an_operation_that_must_not_happen_twice_wants_a_key() {
    let small = Small::start().await;
    let order = json!({"count": 7});
    small
        .post("/once")
        .json(&order)
        .send()
        .await
        .expect_problem(400, "idempotency_key_required");
    let bad = small
        .post("/once")
        .json(&order)
        .idempotency_key("a b")
        .send()
        .await;
    bad.expect_problem(400, "invalid_idempotency_key");
    for key in ["k-1", "\"k-1\""] {
        let answer = small
            .post("/once")
            .json(&order)
            .idempotency_key(key)
            .send()
            .await;
        assert_eq!(answer.text(), "k-1:7");
    }
}
