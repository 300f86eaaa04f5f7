//! Each kind of bad token, signed with the real key where that is the point.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use domain::signing_alg::SigningAlg;
use serde_json::{Map, Value, json};

use super::super::signing_keys::{SigningPair, keyring_of, small_rsa};
use super::*;

const URL: &str = "https://circle.example";
const NOW: i64 = 1_772_442_000;

static OURS: LazyLock<(Keyring, Value)> =
    LazyLock::new(|| keyring_of(small_rsa(SigningAlg::Rs256)));

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn good_header() -> Value {
    json!({ "alg": "RS256", "typ": "at+jwt", "kid": OURS.1["kid"] })
}

fn good_claims() -> Map<String, Value> {
    let Value::Object(claims) = json!({
        "iss": URL, "aud": format!("{URL}/api"), "sub": Uuid::from_u128(1), "client_id": "own-circle",
        "iat": NOW, "exp": NOW + 600, "jti": Uuid::from_u128(2), "sid": Uuid::from_u128(3),
        "auth_time": NOW, "amr": ["sms"],
    }) else {
        unreachable!()
    };
    claims
}

fn message(header: &Value, claims: &str) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims)
    )
}

fn sign_as(algorithm: &'static dyn RsaEncoding, header: &Value, claims: &str) -> String {
    let (_, key) = OURS.0.signing().unwrap();
    let message = message(header, claims);
    let signature = key.sign_as(algorithm, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn sign(header: &Value, claims: &Map<String, Value>) -> String {
    sign_as(
        &RSA_PKCS1_SHA256,
        header,
        &Value::from(claims.clone()).to_string(),
    )
}

fn verify(token: &str) -> Result<AccessClaims, TokenError> {
    verify_access_token(token, &OURS.0, URL, at(NOW))
}

fn with_header(name: &str, value: Value) -> Result<AccessClaims, TokenError> {
    let mut header = good_header();
    header[name] = value;
    verify(&sign(&header, &good_claims()))
}

fn with_claim(name: &str, value: Value) -> Result<AccessClaims, TokenError> {
    let mut claims = good_claims();
    claims.insert(name.to_owned(), value);
    verify(&sign(&good_header(), &claims))
}

#[test]
fn what_we_issue_we_take() {
    let new = NewAccessToken {
        member: Uuid::from_u128(1).into(),
        session: Uuid::from_u128(3).into(),
        auth_time: at(NOW),
        amr: &["sms".to_owned()],
        id: Uuid::from_u128(2),
        now: at(NOW),
    };
    let token = issue(&OURS.0, URL, &new).unwrap();
    let expected = AccessClaims {
        member: Uuid::from_u128(1).into(),
        session: Uuid::from_u128(3).into(),
        expires_at: at(NOW + 600),
    };
    assert_eq!(verify(&token), Ok(expected));
    assert_eq!(verify(&sign(&good_header(), &good_claims())), Ok(expected));
    assert_eq!(
        with_header("typ", json!("application/at+jwt")),
        Ok(expected)
    );
}

#[test]
fn only_our_algorithm_is_taken() {
    for alg in ["none", "None", "HS256", "rs256", "PS256", "RS384", ""] {
        assert!(with_header("alg", json!(alg)).is_err(), "{alg}");
    }
    let mut header = good_header();
    header["alg"] = json!("PS256");
    assert!(
        verify(&sign_as(
            &RSA_PSS_SHA256,
            &header,
            &Value::from(good_claims()).to_string()
        ))
        .is_err()
    );
    // The public key as a shared secret.
    header["alg"] = json!("HS256");
    let message = message(&header, &Value::from(good_claims()).to_string());
    let public = OURS.1["n"].as_str().unwrap();
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes()),
        message.as_bytes(),
    );
    assert_eq!(
        verify(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))),
        Err(TokenError::Header)
    );
    header["alg"] = json!("none");
    let message = self::message(&header, &Value::from(good_claims()).to_string());
    assert!(verify(&format!("{message}.")).is_err());
}

#[test]
fn the_type_is_exact() {
    for typ in [
        json!("JWT"),
        json!("refresh+jwt"),
        json!("AT+JWT"),
        json!(null),
        json!(["at+jwt"]),
    ] {
        assert_eq!(
            with_header("typ", typ.clone()),
            Err(TokenError::Header),
            "{typ}"
        );
    }
    let mut header = good_header();
    header.as_object_mut().unwrap().remove("typ");
    assert_eq!(
        verify(&sign(&header, &good_claims())),
        Err(TokenError::Header)
    );
}

#[test]
fn nothing_critical_is_understood() {
    for crit in [json!(["x"]), json!([]), json!(null), json!("exp")] {
        assert_eq!(with_header("crit", crit), Err(TokenError::Header));
    }
}

#[test]
fn the_key_is_looked_up_and_nothing_else_is_believed() {
    for kid in [
        "",
        "' OR 1=1--",
        "../../etc/passwd",
        "a\r\nb",
        &"k".repeat(10_000),
    ] {
        assert!(with_header("kid", json!(kid)).is_err(), "{kid:.20}");
    }
    for name in ["jku", "x5u", "jwk", "x5c"] {
        let value = match name {
            "jwk" => OURS.1.clone(),
            "x5c" => json!(["MIIB"]),
            _ => json!("http://127.0.0.1:1/keys"),
        };
        assert!(with_header(name, value).is_ok(), "{name} is ignored");
    }
    let (theirs, jwk) = keyring_of(small_rsa(SigningAlg::Rs256));
    let token = sign(&good_header(), &good_claims());
    assert_eq!(
        verify_access_token(&token, &theirs, URL, at(NOW)),
        Err(TokenError::UnknownKey)
    );
    let mut header = good_header();
    header["kid"] = jwk["kid"].clone();
    assert_eq!(
        verify_access_token(&sign(&header, &good_claims()), &theirs, URL, at(NOW)),
        Err(TokenError::Claims)
    );
}

#[test]
fn every_claim_is_needed() {
    for name in [
        "iss",
        "exp",
        "aud",
        "sub",
        "client_id",
        "iat",
        "jti",
        "sid",
        "auth_time",
        "amr",
    ] {
        let mut claims = good_claims();
        claims.remove(name).unwrap();
        assert_eq!(
            verify(&sign(&good_header(), &claims)),
            Err(TokenError::Claims),
            "{name}"
        );
    }
}

#[test]
fn claims_have_their_types_and_values() {
    for (name, value) in [
        ("exp", json!((NOW + 600).to_string())),
        ("exp", json!(1.5e18)),
        ("exp", json!(null)),
        ("exp", json!(i64::MAX)),
        ("iat", json!(i64::MIN)),
        ("exp", json!(NOW + 601)),
        ("exp", json!(NOW)),
        ("nbf", json!("x")),
        ("iss", json!(["https://evil.example", URL])),
        ("iss", json!("https://evil.example")),
        ("iss", json!(format!("{URL}/"))),
        ("aud", json!(["https://evil.example", format!("{URL}/api")])),
        ("aud", json!("https://evil.example")),
        ("client_id", json!("other")),
        ("sub", json!("not-a-uuid")),
        ("sid", json!(7)),
    ] {
        assert_eq!(
            with_claim(name, value.clone()),
            Err(TokenError::Claims),
            "{name} {value}"
        );
    }
    let doubled = Value::from(good_claims()).to_string().replacen(
        '{',
        r#"{"sub":"00000000-0000-0000-0000-000000000009","#,
        1,
    );
    assert_eq!(
        verify(&sign_as(&RSA_PKCS1_SHA256, &good_header(), &doubled)),
        Err(TokenError::Claims)
    );
}

#[test]
fn time_is_told_by_the_clock_with_thirty_seconds_of_grace() {
    let token = sign(&good_header(), &good_claims());
    let verify_at = |seconds| verify_access_token(&token, &OURS.0, URL, at(seconds));
    assert!(verify_at(NOW + 600 + 29).is_ok());
    assert_eq!(verify_at(NOW + 600 + 31), Err(TokenError::Expired));
    assert!(verify_at(NOW - 30).is_ok());
    assert_eq!(verify_at(NOW - 31), Err(TokenError::NotYet));
    assert!(with_claim("nbf", json!(NOW + 30)).is_ok());
    assert_eq!(with_claim("nbf", json!(NOW + 31)), Err(TokenError::NotYet));
}

#[test]
fn a_token_that_was_seen_is_believed_by_the_same_keys_only_and_still_ends() {
    let mut claims = good_claims();
    claims.insert("jti".into(), json!(Uuid::from_u128(4)));
    let token = sign(&good_header(), &claims);
    let (theirs, _) = keyring_of(small_rsa(SigningAlg::Rs256));
    let name = seen::name_of(URL, &token);
    assert_eq!(OURS.0.seen().get(&name), None);
    let first = verify(&token).unwrap();
    assert!(OURS.0.seen().get(&name).is_some());
    assert_eq!(verify(&token), Ok(first));
    let later = |seconds| verify_access_token(&token, &OURS.0, URL, at(NOW + seconds));
    assert_eq!(later(600 + 29), Ok(first));
    assert_eq!(later(600 + 30), Err(TokenError::Expired));
    assert_eq!(later(-31), Err(TokenError::NotYet));
    let elsewhere = verify_access_token(&token, &OURS.0, "https://other.example", at(NOW));
    assert_eq!(elsewhere, Err(TokenError::Claims));
    assert_eq!(
        verify_access_token(&token, &theirs, URL, at(NOW)),
        Err(TokenError::UnknownKey)
    );
}

#[test]
fn a_token_that_was_refused_is_not_remembered() {
    let mut token = sign(&good_header(), &good_claims());
    token.truncate(token.len() - 4);
    assert_eq!(verify(&token), Err(TokenError::Claims));
    assert_eq!(OURS.0.seen().get(&seen::name_of(URL, &token)), None);
}

#[test]
fn only_the_compact_form_is_a_token() {
    let token = sign(&good_header(), &good_claims());
    let mut parts = token.split('.');
    let (header, claims, signature) = (
        parts.next().unwrap(),
        parts.next().unwrap(),
        parts.next().unwrap(),
    );
    for bad in [
        String::new(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{token}="),
        format!("{token}.{signature}"),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}=.{claims}.{signature}"),
        json!({ "protected": header, "payload": claims, "signature": signature }).to_string(),
        "x".repeat(9_000),
    ] {
        assert!(verify(&bad).is_err(), "{bad:.60}");
    }
    let long = with_claim("amr", json!(vec!["sms"; 2_000]));
    assert_eq!(long, Err(TokenError::Form));
}

#[test]
fn a_changed_token_is_refused() {
    let token = sign(&good_header(), &good_claims());
    let signed = token.rfind('.').unwrap();
    for i in [signed - 10, signed + 10] {
        let mut bytes = token.clone().into_bytes();
        bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
        assert_eq!(
            verify(&String::from_utf8(bytes).unwrap()),
            Err(TokenError::Claims)
        );
    }
}

#[test]
fn each_key_signs_with_its_own_algorithm_and_no_other() {
    for (alg, other) in [
        (SigningAlg::Rs256, SigningAlg::Ps256),
        (SigningAlg::Ps256, SigningAlg::Rs256),
        (SigningAlg::Es256, SigningAlg::Rs256),
    ] {
        let pair = match alg {
            SigningAlg::Es256 => SigningPair::generate(alg).unwrap(),
            _ => small_rsa(alg),
        };
        let (keyring, jwk) = keyring_of(pair);
        assert_eq!(jwk["alg"], alg.as_str());
        let new = NewAccessToken {
            member: Uuid::from_u128(1).into(),
            session: Uuid::from_u128(3).into(),
            auth_time: at(NOW),
            amr: &["sms".to_owned()],
            id: Uuid::from_u128(2),
            now: at(NOW),
        };
        let token = issue(&keyring, URL, &new).unwrap();
        assert!(
            verify_access_token(&token, &keyring, URL, at(NOW)).is_ok(),
            "{alg}"
        );
        // The same key under another name of algorithm is another key, which we don't have.
        let header = json!({ "alg": other.as_str(), "typ": "at+jwt", "kid": jwk["kid"] });
        let (_, key) = keyring.signing().unwrap();
        let message = message(&header, &Value::from(good_claims()).to_string());
        let signature = key.sign(message.as_bytes()).unwrap();
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(
            verify_access_token(&forged, &keyring, URL, at(NOW)),
            Err(TokenError::Header),
            "{alg}"
        );
    }
}
