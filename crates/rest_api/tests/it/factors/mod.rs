//! Passkeys, passwords with authenticators, and coming back, over HTTP.

pub(crate) mod device;
mod passkeys;
pub(crate) mod passwords;
mod recovery;
mod reset;

use serde_json::{Value, json};
use test_kit::{Answer, TestApp};

use self::device::Device;

/// A call with a token.
pub(crate) async fn call(
    app: &TestApp,
    method: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> Answer {
    let path = format!("/api/v1/auth/{path}");
    let request = app.request(method, &path).bearer(token);
    if body.is_null() {
        request.send().await
    } else {
        request.json(body).send().await
    }
}

/// Enrols a passkey of this device.
pub(crate) async fn enrol(app: &TestApp, token: &str, device: &mut Device) -> Answer {
    let begun = call(app, "POST", "passkeys", token, &json!({})).await;
    let begun = begun.expect(202);
    let credential = device.create(&begun["public_key"]).await;
    let answer = json!({
        "challenge_id": begun["challenge_id"],
        "credential": credential,
        "name": "Телефон",
    });
    call(app, "POST", "passkeys", token, &answer).await
}

/// Signs in with this device.
async fn assert(app: &TestApp, device: &mut Device) -> Answer {
    let begun = app.post("/api/v1/auth/passkeys/assert").json(&json!({}));
    let begun = begun.send().await.expect(202);
    answer(app, device, &begun).await
}

async fn answer(app: &TestApp, device: &mut Device, begun: &Value) -> Answer {
    let credential = device.sign(&begun["public_key"]).await;
    let body = json!({"challenge_id": begun["challenge_id"], "credential": credential});
    app.post("/api/v1/auth/passkeys/assert")
        .json(&body)
        .send()
        .await
}

fn token_of(answer: &Answer) -> String {
    let tokens = answer.expect(200);
    tokens["access_token"].as_str().expect("a token").to_owned()
}
