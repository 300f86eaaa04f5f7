//! Every kind of bad access token, at the door: signed with the real key where that is the point.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use services::vault::{SealedField, Vault};
use test_kit::{SignedIn, TestApp};

use super::PHONE;

/// A service, a member's token taken apart, and the key that signed it.
struct Forge {
    app: TestApp,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    key: KeyPair,
    public: Value,
}

impl Forge {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let anna: SignedIn = app.sign_in(PHONE).await;
        let mut parts = anna.token.split('.');
        let mut part = || {
            let json = URL_SAFE_NO_PAD.decode(parts.next().expect("a part"));
            serde_json::from_slice(&json.expect("base64url")).expect("an object")
        };
        let (header, claims): (Map<String, Value>, Map<String, Value>) = (part(), part());
        let kid = header["kid"].as_str().expect("a name");
        let (sealed, public): (Vec<u8>, Value) =
            sqlx::query_as("select private_sealed, public_jwk from signing_keys where kid = $1")
                .bind(kid)
                .fetch_one(app.context.pool())
                .await
                .expect("the key");
        let private = Vault::new(&[7; 32]).open(SealedField::SigningKey, kid.as_bytes(), &sealed);
        let key = KeyPair::from_pkcs8(&private.expect("ours")).expect("a key");
        Self {
            app,
            header,
            claims,
            key,
            public,
        }
    }

    fn signed_as(
        &self,
        encoding: &'static dyn RsaEncoding,
        header: &Value,
        claims: &Value,
    ) -> String {
        let message = message(header, claims);
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                encoding,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        self.signed_as(&RSA_PKCS1_SHA256, header, claims)
    }

    /// The header with one member changed or, for null, taken away.
    fn header_with(&self, name: &str, value: &Value) -> Value {
        with(&self.header, name, value)
    }

    fn with_header(&self, name: &str, value: &Value) -> String {
        self.signed(&self.header_with(name, value), &self.claims.clone().into())
    }

    fn with_claim(&self, name: &str, value: &Value) -> String {
        let claims = with(&self.claims, name, value);
        self.signed(&self.header.clone().into(), &claims)
    }

    /// The status that this token gets.
    async fn status(&self, token: &str) -> u16 {
        let asked = self.app.get("/api/v1/users/me");
        // What no header can hold never arrives.
        let clean: String = token.chars().filter(|c| !c.is_control()).collect();
        let answer = asked.bearer(&clean).send().await;
        if answer.status == 401 {
            let problem = answer.expect_problem(401, "unauthenticated");
            assert!(!problem.to_string().contains(&clean) || clean.is_empty());
        }
        answer.status.as_u16()
    }

    async fn refuses(&self, what: &str, token: &str) {
        assert_eq!(self.status(token).await, 401, "{what}");
    }
}

fn with(object: &Map<String, Value>, name: &str, value: &Value) -> Value {
    let mut object = object.clone();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value.clone());
    }
    object.into()
}

fn message(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

#[tokio::test]
async fn a_token_is_what_rfc_9068_says() {
    let forge = Forge::open().await;
    assert_eq!(
        (&forge.header["alg"], &forge.header["typ"]),
        (&json!("RS256"), &json!("at+jwt"))
    );
    for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        assert!(forge.claims.contains_key(name), "{name}");
    }
    let life = forge.claims["exp"].as_i64().expect("a time")
        - forge.claims["iat"].as_i64().expect("a time");
    assert_eq!(life, 600);
    let good = forge.signed(&forge.header.clone().into(), &forge.claims.clone().into());
    assert_eq!(forge.status(&good).await, 200);
}

#[tokio::test]
async fn one_algorithm_is_taken() {
    let forge = Forge::open().await;
    for alg in [
        "none", "None", "HS256", "rs256", "PS256", "ES256", "RS384", "",
    ] {
        let token = forge.with_header("alg", &json!(alg));
        forge.refuses(alg, &token).await;
    }
    let claims = forge.claims.clone().into();
    let pss = forge.header_with("alg", &json!("PS256"));
    forge
        .refuses("PSS", &forge.signed_as(&RSA_PSS_SHA256, &pss, &claims))
        .await;
    let unsigned = message(&forge.header_with("alg", &json!("none")), &claims);
    forge.refuses("unsigned", &format!("{unsigned}.")).await;
    // The public key, which everybody has, as a shared secret: its modulus, and the whole of it.
    let message = message(&forge.header_with("alg", &json!("HS256")), &claims);
    let modulus = forge.public["n"].as_str().expect("a number");
    for secret in [modulus, &forge.public.to_string()] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
        forge
            .refuses("HS256 with the public key", &format!("{message}.{tag}"))
            .await;
    }
}

#[tokio::test]
async fn type_critical_members_and_foreign_keys_are_refused() {
    let forge = Forge::open().await;
    for typ in [
        json!("JWT"),
        json!("refresh+jwt"),
        json!("AT+JWT"),
        json!(null),
        json!(["at+jwt"]),
    ] {
        forge.refuses("typ", &forge.with_header("typ", &typ)).await;
    }
    for crit in [json!(["x"]), json!([]), json!("exp")] {
        forge
            .refuses("crit", &forge.with_header("crit", &crit))
            .await;
    }
    let long = "k".repeat(3_000);
    for kid in [
        "' OR 1=1--",
        "../../etc/passwd",
        "a\r\n{\"level\":",
        "",
        long.as_str(),
    ] {
        forge
            .refuses("kid", &forge.with_header("kid", &json!(kid)))
            .await;
    }
    forge
        .refuses("no kid", &forge.with_header("kid", &json!(null)))
        .await;
    let claims = forge.claims.clone().into();
    let stranger = KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a key");
    for jku in ["http://127.0.0.1:9/keys", "file:///etc/passwd"] {
        let mut header = forge.header_with("jku", &json!(jku));
        header["x5u"] = json!(jku);
        let message = message(&header, &claims);
        let mut signature = vec![0; stranger.public_modulus_len()];
        let random = SystemRandom::new();
        stranger
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                message.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        forge.refuses("a key of its own", &token).await;
    }
}

#[tokio::test]
async fn claims_are_there_and_of_their_kind() {
    let forge = Forge::open().await;
    let names = [
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
    ];
    for name in names {
        forge
            .refuses(name, &forge.with_claim(name, &json!(null)))
            .await;
    }
    let now = forge.app.now().timestamp();
    let ours = forge.claims["iss"].clone();
    for (name, value) in [
        ("exp", json!("9999999999")),
        ("exp", json!(9_999_999_999_i64)),
        ("exp", json!(now - 31)),
        ("nbf", json!("x")),
        ("nbf", json!(now + 31)),
        ("iat", json!(now + 31)),
        ("iss", json!(["https://evil.example", ours])),
        ("iss", json!("https://evil.example")),
        ("aud", json!("https://evil.example")),
        ("aud", json!([forge.claims["aud"]])),
        ("client_id", json!("other")),
        ("sub", json!("018f2b7e-1234-7abc-8def-0123456789ab")),
        ("sid", json!("018f2b7e-1234-7abc-8def-0123456789ab")),
    ] {
        let token = forge.with_claim(name, &value);
        forge.refuses(&format!("{name} {value}"), &token).await;
    }
    let soon = forge.with_claim("nbf", &json!(now + 30));
    assert_eq!(forge.status(&soon).await, 200);
}

#[tokio::test]
async fn only_the_compact_form_is_a_token() {
    let forge = Forge::open().await;
    let good = forge.signed(&forge.header.clone().into(), &forge.claims.clone().into());
    let parts: Vec<&str> = good.split('.').collect();
    let json_form = json!({
        "protected": parts[0], "payload": parts[1], "signature": parts[2],
    });
    for bad in [
        format!("{good}="),
        format!("{good}.{}", parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        json_form.to_string(),
        "..".to_owned(),
        "x".repeat(9_000),
        "x".repeat(8_000),
    ] {
        forge.refuses(&format!("{bad:.40}"), &bad).await;
    }
    let oversize = forge.with_claim("amr", &json!(vec!["sms"; 2_000]));
    forge.refuses("more than 8 KiB", &oversize).await;
    assert_eq!(forge.status(&good).await, 200);
}
