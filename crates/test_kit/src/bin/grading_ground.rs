//! What the graders of the API stand on: a database of its own with two members, the staff and tills of two businesses
//! and an operator, all signed in. It writes their credentials as a Web Fuzzing Commons file, runs the command that it
//! is given beside the database, and drops the database when that ends.
//!
//! `grading_ground AUTH_FILE COMMAND…`; the command finds `DATABASE_URL` and `OWNCIRCLE_MASTER_KEY` set.

use std::path::Path;
use std::process::ExitCode;

use domain::ids::BusinessId;
use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Value, json};
use test_kit::{SignedIn, TEST_MASTER_KEY, TestApp};
use tokio::process::Command;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("a file for the credentials");
    let program = arguments.next().expect("a command");
    let app = TestApp::at_present().await;
    let people = people(&app).await;
    write(Path::new(&file), &people);
    let mut key = String::new();
    for byte in TEST_MASTER_KEY {
        key.push_str(&format!("{byte:02x}"));
    }
    let status = Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", app.database_url())
        .env("OWNCIRCLE_MASTER_KEY", key)
        .status()
        .await
        .expect("the command starts");
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

/// Everybody's name and credential. Whoever may do more stands further down: a grader tries them in this order.
async fn people(app: &TestApp) -> Vec<(&'static str, String)> {
    // Of different prefixes, as strangers' phones are.
    let anna = member(app, "+79161110001", "Anna").await;
    let boris = member(app, "+79262220002", "Boris").await;
    let (luna, sol) = (app.business("luna").await, app.business("sol").await);
    let luna_owner = app.staff(luna, "+79033330003", StaffRole::Owner).await;
    let sol_owner = app.staff(sol, "+79054440004", StaffRole::Owner).await;
    let luna_manager = app.staff(luna, "+79655550005", StaffRole::Manager).await;
    let (luna_till, sol_till) = (app.till(luna).await, app.till(sol).await);
    let admin = app.operator("+79776660006", OperatorRole::Admin).await;
    for (owner, business) in [(&luna_owner, luna), (&sol_owner, sol)] {
        outlet(app, owner, business).await;
    }
    for (till, phone, receipt) in [
        (&luna_till, "+79161110001", "A-1"),
        (&luna_till, "+79262220002", "B-1"),
        (&sol_till, "+79161110001", "A-2"),
        (&sol_till, "+79262220002", "B-2"),
    ] {
        purchase(app, till, phone, receipt).await;
    }
    vec![
        ("anna", anna.token),
        ("boris", boris.token),
        ("luna_till", luna_till),
        ("sol_till", sol_till),
        ("luna_manager", luna_manager.token),
        ("luna_owner", luna_owner.token),
        ("sol_owner", sol_owner.token),
        ("admin", admin.token),
    ]
}

async fn member(app: &TestApp, phone: &str, name: &str) -> SignedIn {
    let member = app.sign_in(phone).await;
    let change = app.patch("/api/v1/users/me").bearer(&member.token);
    let answer = change
        .header("if-match", "*")
        .json(&json!({ "name": name }));
    answer.send().await.expect(200);
    member
}

async fn outlet(app: &TestApp, owner: &SignedIn, business: BusinessId) {
    let path = format!("/api/v1/businesses/{business}/locations");
    let add = app.post(&path).bearer(&owner.token);
    let add = add.idempotency_key("first");
    add.json(&json!({ "name": "First" }))
        .send()
        .await
        .expect(201);
}

async fn purchase(app: &TestApp, till: &str, phone: &str, receipt: &str) {
    let post = app.post("/api/v1/transactions").bearer(till);
    let body = json!({ "receipt_number": receipt, "member": { "phone": phone }, "total": 100_000 });
    let answer = post.idempotency_key(receipt).json(&body).send().await;
    answer.expect(201);
}

fn write(file: &Path, people: &[(&str, String)]) {
    let entry = |(name, credential): &(&str, String)| -> Value {
        let header = json!({ "name": "Authorization", "value": format!("Bearer {credential}") });
        json!({ "name": name, "fixedHeaders": [header] })
    };
    let entries: Vec<Value> = people.iter().map(entry).collect();
    let text = json!({ "auth": entries }).to_string();
    std::fs::write(file, text).expect("the file can be written");
}
