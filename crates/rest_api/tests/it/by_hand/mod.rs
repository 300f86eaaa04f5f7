//! What people do by hand, over HTTP: operators adjust points, look members up, block them and give roles; members give
//! points to each other.

mod adjustments;
mod members;
mod noted;
mod own_account;
mod roles;
mod tills;
mod transfers;

use domain::rights::OperatorRole;
use serde_json::{Value, json};
use test_kit::{Answer, RequestBuilder, SignedIn};

use crate::transactions::Shop;

pub(crate) const ANNA: &str = "+79161234567";
pub(crate) const BORIS: &str = "+79161234568";

/// A shop with two admins and somebody of support.
struct Desk {
    shop: Shop,
    admin: SignedIn,
    second: SignedIn,
    support: SignedIn,
}

impl Desk {
    async fn open() -> Self {
        let shop = Shop::open().await;
        let admin = shop.app.operator("+79160000001", OperatorRole::Admin).await;
        let second = shop.app.operator("+79160000002", OperatorRole::Admin).await;
        let support = shop.app.operator("+79160000003", OperatorRole::Support);
        let support = support.await;
        Self {
            shop,
            admin,
            second,
            support,
        }
    }

    fn post(&self, by: &SignedIn, path: &str, key: &str, body: &Value) -> RequestBuilder {
        let request = self.shop.app.post(&format!("/api/v1{path}"));
        request.bearer(&by.token).idempotency_key(key).json(body)
    }

    async fn get(&self, by: &SignedIn, path: &str) -> Answer {
        let request = self.shop.app.get(&format!("/api/v1{path}"));
        request.bearer(&by.token).send().await
    }

    /// Gives (or takes) so many hundredths with a key of that name.
    async fn adjust(&self, by: &SignedIn, to: &SignedIn, points: i64, key: &str) -> Answer {
        let body = adjustment(to, points);
        self.post(by, "/loyalty/adjustments", key, &body)
            .send()
            .await
    }

    /// Decides upon an adjustment.
    fn decide(&self, by: &SignedIn, id: &Value, how: &str, key: &str) -> RequestBuilder {
        let id = id.as_str().expect("an identifier");
        let path = format!("/loyalty/adjustments/{id}/{how}");
        self.post(by, &path, key, &json!({ "note": "seen" }))
    }

    /// Changes the programme's limits.
    async fn limit(&self, limits: &Value) {
        let shown = self.get(&self.admin, "/admin/settings").await;
        let mut settings = shown.expect(200)["settings"].clone();
        settings["limits"] = limits.clone();
        let request = self.shop.app.put("/api/v1/admin/settings");
        let request = request.header("if-match", shown.header("etag"));
        let changed = request.bearer(&self.admin.token).json(&settings);
        changed.send().await.expect(200);
    }
}

fn adjustment(to: &SignedIn, points: i64) -> Value {
    json!({ "member_id": to.member, "points": points, "reason": "Извинение" })
}

/// Sends requests at the same moment.
async fn at_once(requests: Vec<RequestBuilder>) -> Vec<Answer> {
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| tokio::spawn(request.send()))
        .collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.expect("a request ends"));
    }
    answers
}
