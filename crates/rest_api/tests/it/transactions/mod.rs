//! Purchases over HTTP: posted, explained, paid with points, given back.

mod batch;
mod idempotency;
mod overload;
mod posting;
mod promotions;
mod races;
mod redemption;
mod refunds;

use domain::ids::BusinessId;
use domain::rights::OperatorRole;
use serde_json::{Value, json};
use test_kit::{Answer, SignedIn, TestApp};

/// A service with one business and its till.
pub(crate) struct Shop {
    pub(crate) app: TestApp,
    pub(crate) business: BusinessId,
    pub(crate) till: String,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let app = TestApp::start().await;
        let business = app.business("luna").await;
        let till = app.till(business).await;
        Self {
            app,
            business,
            till,
        }
    }

    /// Posts a purchase; the receipt's number is also the key.
    pub(crate) async fn post(&self, body: &Value) -> Answer {
        let key = body["receipt_number"].as_str().unwrap_or("none");
        self.post_with_key(body, key).await
    }

    pub(crate) async fn post_with_key(&self, body: &Value, key: &str) -> Answer {
        self.app
            .post("/api/v1/transactions")
            .bearer(&self.till)
            .idempotency_key(key)
            .json(body)
            .send()
            .await
    }

    pub(crate) async fn refund(&self, id: &str, body: &Value, key: &str) -> Answer {
        self.app
            .post(&format!("/api/v1/transactions/{id}/refunds"))
            .bearer(&self.till)
            .idempotency_key(key)
            .json(body)
            .send()
            .await
    }

    pub(crate) async fn quote(&self, body: &Value) -> Answer {
        self.app
            .post("/api/v1/loyalty/quote")
            .bearer(&self.till)
            .json(body)
            .send()
            .await
    }

    pub(crate) async fn balance(&self, member: &SignedIn) -> Value {
        let answer = self
            .app
            .get("/api/v1/loyalty/balance")
            .bearer(&member.token)
            .send()
            .await;
        answer.expect(200)
    }

    /// The rotating code that the member's phone shows now.
    pub(crate) async fn code(&self, member: &SignedIn) -> String {
        let card = self
            .app
            .get("/api/v1/users/me/card")
            .bearer(&member.token)
            .send()
            .await;
        card.expect(200)["code"]
            .as_str()
            .expect("a code")
            .to_owned()
    }

    /// A member who signed in and has earned so many points (in hundredths, a multiple of 5).
    pub(crate) async fn member_with(&self, phone: &str, points: i64) -> SignedIn {
        let member = self.app.sign_in(phone).await;
        let body = purchase(&format!("seed-{phone}"), phone, points * 20);
        self.post(&body).await.expect(201);
        member
    }

    /// Adds a promotion that the programme pays.
    pub(crate) async fn promotion(&self, rule: Value) -> Value {
        let admin = self.app.operator("+79160000001", OperatorRole::Admin).await;
        let answer = self
            .app
            .post("/api/v1/admin/rules")
            .bearer(&admin.token)
            .idempotency_key("rule")
            .json(&rule)
            .send()
            .await;
        answer.expect(201)
    }

    /// Recomputes the ledger and asserts that nothing differs.
    pub(crate) async fn audit(&self) {
        let report = services::audit::audit(&self.app.context, 100)
            .await
            .expect("the audit runs");
        assert_eq!(report.differences, 0, "{:#?}", report);
    }
}

/// A purchase of so much (in kopecks) by phone.
pub(crate) fn purchase(receipt: &str, phone: &str, total: i64) -> Value {
    json!({ "receipt_number": receipt, "member": { "phone": phone }, "total": total })
}
