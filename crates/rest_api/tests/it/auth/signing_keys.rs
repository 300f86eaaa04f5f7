//! The keys behind access tokens: published, rotated while requests go on, revoked, and of another algorithm.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::signing_alg::SigningAlg;
use futures_util::future::join_all;
use http::Method;
use http_kit::HttpConfig;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use services::auth::signing_keys::{self, Haste, SigningKeyError};
use services::context::ServiceConfig;
use test_kit::{RequestBuilder, TestApp, config_of_tests};

use super::{PHONE, renew, text};

async fn published(app: &TestApp) -> Vec<Value> {
    let answer = app.get("/.well-known/jwks.json").send().await.expect(200);
    answer["keys"].as_array().expect("keys").clone()
}

/// The header of a token.
fn header(token: &str) -> Value {
    let part = token.split('.').next().expect("a part");
    let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

#[tokio::test]
async fn others_verify_our_tokens_with_the_published_keys() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let answer = app.get("/.well-known/jwks.json").send().await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let set: JwkSet = serde_json::from_value(answer.expect(200)).expect("a set of keys");
    let kid = text(&header(&anna.token), "kid");
    let key = DecodingKey::from_jwk(set.find(&kid).expect("our key")).expect("a key");
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_issuer(&["http://127.0.0.1:8080"]);
    rules.set_audience(&["http://127.0.0.1:8080/api"]);
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(&anna.token, &key, &rules).expect("valid");
    assert_eq!(claims.claims["sub"], anna.member.to_string());
    for key in published(&app).await {
        let modulus = URL_SAFE_NO_PAD.decode(text(&key, "n")).expect("base64url");
        assert_eq!(modulus.len(), 384, "3072 bits");
        assert_eq!((&key["use"], &key["alg"]), (&"sig".into(), &"RS256".into()));
        let members = format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            text(&key, "e"),
            text(&key, "n")
        );
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, members.as_bytes());
        assert_eq!(key["kid"], URL_SAFE_NO_PAD.encode(digest), "RFC 7638");
    }
}

#[tokio::test]
async fn rotating_under_load_refuses_nobody() {
    let app = TestApp::start().await;
    let there = rest_api::router(app.neighbour().await, HttpConfig::default());
    let old = app.sign_in(PHONE).await;
    let mut tokens = vec![old.token.clone()];
    let mut refresh = old.refresh_token.clone();
    for _ in 0..3 {
        let routers = [app.router(), there.clone()];
        let requests = tokens.iter().flat_map(|token| {
            routers.iter().map(|router| {
                let path = "/api/v1/users/me";
                RequestBuilder::new(router.clone(), Method::GET, path).bearer(token)
            })
        });
        let load = join_all((0..20).flat_map(|_| requests.clone().map(RequestBuilder::send)));
        let rotation = signing_keys::rotate(&app.context, Haste::Now);
        let (answers, keys) = futures_util::future::join(load, rotation).await;
        for answer in answers {
            answer.expect(200);
        }
        assert_eq!(
            keys.expect("rotated")
                .iter()
                .filter(|key| key.state == "current")
                .count(),
            1
        );
        // A token of the new key is good at the neighbour at once, which has read its keys before.
        app.advance(Duration::from_secs(2));
        let renewed = renew(&app, &refresh).await.expect(200);
        refresh = text(&renewed, "refresh_token");
        tokens.push(text(&renewed, "access_token"));
        let fresh = tokens.last().expect("a token");
        let asked = RequestBuilder::new(there.clone(), Method::GET, "/api/v1/users/me");
        asked.bearer(fresh).send().await.expect(200);
    }
    let kids: std::collections::BTreeSet<String> = tokens
        .iter()
        .map(|token| text(&header(token), "kid"))
        .collect();
    assert_eq!(kids.len(), 4, "four keys have signed");
    // The first token lives until its own end.
    let me = app.get("/api/v1/users/me").bearer(&old.token).send().await;
    me.expect(200);
}

#[tokio::test]
async fn a_key_is_published_for_a_day_before_it_signs() {
    let app = TestApp::start().await;
    app.sign_in(PHONE).await;
    let young = signing_keys::rotate(&app.context, Haste::WhenKnown).await;
    assert!(matches!(young, Err(SigningKeyError::NextTooYoung)));
    app.advance(Duration::from_secs(86_401));
    let before = published(&app).await;
    signing_keys::rotate(&app.context, Haste::WhenKnown)
        .await
        .expect("known");
    let anna = app.sign_in(PHONE).await;
    let kid = text(&header(&anna.token), "kid");
    assert!(before.iter().any(|key| key["kid"] == kid.as_str()));
    assert_eq!(published(&app).await.len(), 3);
    app.advance(Duration::from_secs(86_401));
    signing_keys::drop_over(&app.context)
        .await
        .expect("dropped");
    app.advance(Duration::from_secs(5));
    assert_eq!(published(&app).await.len(), 2);
}

#[tokio::test]
async fn a_revoked_key_is_refused_everywhere_and_sign_ins_go_on() {
    let app = TestApp::start().await;
    let there = rest_api::router(app.neighbour().await, HttpConfig::default());
    let anna = app.sign_in(PHONE).await;
    let asked = || {
        let path = "/api/v1/users/me";
        RequestBuilder::new(there.clone(), Method::GET, path).bearer(&anna.token)
    };
    asked().send().await.expect(200);
    let kid = text(&header(&anna.token), "kid");
    signing_keys::revoke(&app.context, &kid)
        .await
        .expect("revoked");
    let here = app.get("/api/v1/users/me").bearer(&anna.token);
    here.send().await.expect_problem(401, "unauthenticated");
    app.advance(Duration::from_secs(5));
    asked().send().await.expect_problem(401, "unauthenticated");
    assert!(
        published(&app)
            .await
            .iter()
            .all(|key| key["kid"] != kid.as_str())
    );
    let renewed = renew(&app, &anna.refresh_token).await.expect(200);
    let token = text(&renewed, "access_token");
    assert_ne!(text(&header(&token), "kid"), kid);
    let me = app.get("/api/v1/users/me").bearer(&token).send().await;
    me.expect(200);
    let again = signing_keys::revoke(&app.context, &kid).await;
    assert!(matches!(again, Err(SigningKeyError::UnknownKey)));
}

#[tokio::test]
async fn another_algorithm_is_a_setting_away() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    for (alg, name) in [(SigningAlg::Es256, "ES256"), (SigningAlg::Ps256, "PS256")] {
        let context = app
            .neighbour_with(ServiceConfig {
                signing_alg: alg,
                ..config_of_tests()
            })
            .await;
        signing_keys::rotate(&context, Haste::Now)
            .await
            .expect("rotated");
        app.advance(Duration::from_secs(61));
        let there = rest_api::router(context, HttpConfig::default());
        let boris = app
            .sign_in(if alg == SigningAlg::Es256 {
                "+79161112201"
            } else {
                "+79161112202"
            })
            .await;
        assert_eq!(header(&boris.token)["alg"], name);
        // Both servers take the new one, and the old one lives out.
        for token in [&boris.token, &anna.token] {
            let asked = RequestBuilder::new(there.clone(), Method::GET, "/api/v1/users/me");
            asked.bearer(token).send().await.expect(200);
            let here = app.get("/api/v1/users/me").bearer(token).send().await;
            here.expect(200);
        }
        app.advance(Duration::from_secs(61));
    }
}
