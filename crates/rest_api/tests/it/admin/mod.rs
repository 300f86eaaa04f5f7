//! Running the programme over HTTP: rules, tiers, settings, the ledger's proof, jobs.

mod jobs;
mod ledger_check;
mod rules;
mod settings;
mod tiers;

use domain::rights::OperatorRole;
use serde_json::Value;
use test_kit::{Answer, SignedIn, TestApp};

/// A service with an admin.
pub(crate) struct Office {
    pub(crate) app: TestApp,
    pub(crate) admin: SignedIn,
}

impl Office {
    pub(crate) async fn open() -> Self {
        Self::around(TestApp::start().await).await
    }

    pub(crate) async fn around(app: TestApp) -> Self {
        let admin = app.operator("+79160000001", OperatorRole::Admin).await;
        Self { app, admin }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.app.get(path).bearer(&self.admin.token).send().await
    }

    /// Sends a change with `If-Match`, or without where the tag is empty.
    pub(crate) async fn send(&self, method: &str, path: &str, tag: &str, body: &Value) -> Answer {
        let mut request = self.app.request(method, path).bearer(&self.admin.token);
        if !tag.is_empty() {
            request = request.header("if-match", tag);
        }
        request.json(body).send().await
    }

    /// Asserts that nobody, a member and an analyst are refused each of these.
    pub(crate) async fn are_for_admins_only(&self, operations: &[(&str, &str, Value)]) {
        let member = self.app.sign_in("+79161234567").await;
        let analyst = self.app.operator("+79160000009", OperatorRole::Analyst);
        let analyst = analyst.await;
        for (method, path, body) in operations {
            let request = || {
                let request = self.app.request(method, path).header("if-match", "\"v1\"");
                match *method {
                    "GET" => request,
                    _ => request.json(body),
                }
            };
            let nobody = request().send().await;
            nobody.expect_problem(401, "unauthenticated");
            for token in [&member.token, &analyst.token] {
                let refused = request().bearer(token).send().await;
                refused.expect_problem(403, "forbidden");
            }
        }
    }
}

/// The wrong fields of a refusal as (pointer, code), in order of pointer.
pub(crate) fn wrong_fields(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.expect_problem(422, "invalid_fields");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut found: Vec<(String, String)> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect();
    found.sort_unstable();
    found
}

/// The same, as a test writes it.
pub(crate) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(pointer, code): &(&str, &str)| ((*pointer).to_owned(), (*code).to_owned());
    expected.iter().map(owned).collect()
}
