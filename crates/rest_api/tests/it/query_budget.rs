//! How often each hot operation goes to the database and back once its statements are prepared and what may be kept is
//! kept. The table is in `docs/query-budget.md`.

use domain::rights::StaffRole;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use test_kit::{Answer, RequestBuilder, SignedIn, TestApp, Wire};

use crate::transactions::{Shop, purchase};

/// A group of purchases: the look, and the statement that writes and commits.
const POST: usize = 2;

/// A look at a purchase that may be: member, wallet, progress, limits and lots at once.
const QUOTE: usize = 1;

/// A balance that is not kept.
const BALANCE: usize = 1;

/// A hold, its capture or its release.
const HOLD: usize = 8;

/// A refund.
const REFUND: usize = 8;

const PHONE: &str = "+79161234567";

/// A shop, and the wire on which its round trips are counted.
struct Counted {
    shop: Shop,
    wire: Wire,
}

impl Counted {
    async fn open() -> Self {
        let (app, wire) = TestApp::counted().await;
        let business = app.business("luna").await;
        let till = app.till(business).await;
        let shop = Shop {
            app,
            business,
            till,
        };
        Self { shop, wire }
    }

    /// The round trips of some requests, those that follow the answers among them.
    async fn trips<T>(&self, requests: impl Future<Output = T>) -> (T, Vec<String>) {
        self.shop.app.quiet(&self.wire).await;
        let _before = self.wire.take();
        let answers = requests.await;
        self.shop.app.quiet(&self.wire).await;
        (answers, self.wire.take())
    }

    /// Asserts how many round trips a request takes, and its status.
    async fn takes(&self, most: usize, status: u16, request: RequestBuilder) -> Value {
        let (answer, trips) = self.trips(request.send()).await;
        let body = answer.expect(status);
        assert!(
            trips.len() <= most,
            "{} round trips: {trips:#?}",
            trips.len()
        );
        body
    }

    fn sale(&self, body: &Value) -> RequestBuilder {
        let key = body["receipt_number"].as_str().expect("a receipt");
        self.till_post("transactions", key, body)
    }

    fn till_post(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        let path = format!("/api/v1/{path}");
        let request = self.shop.app.post(&path).bearer(&self.shop.till);
        request.idempotency_key(key).json(body)
    }

    fn quote(&self, body: &Value) -> RequestBuilder {
        let request = self.shop.app.post("/api/v1/loyalty/quote");
        request.bearer(&self.shop.till).json(body)
    }

    fn balance(&self, member: &SignedIn) -> RequestBuilder {
        let request = self.shop.app.get("/api/v1/loyalty/balance");
        request.bearer(&member.token)
    }

    /// A purchase of the member whose phone shows this code.
    async fn by_code(&self, receipt: &str, member: &SignedIn) -> Value {
        let mut body = purchase(receipt, PHONE, 20_000);
        body["member"] = json!({ "code": self.shop.code(member).await });
        body["points"] = json!(1_000);
        body
    }

    /// Lets a code grow old; what is kept is fetched again.
    async fn pass_half_a_minute(&self, member: &SignedIn) {
        self.shop.app.advance(Duration::from_secs(30));
        self.balance(member).send().await.expect(200);
        self.quote(&purchase("Q", PHONE, 100))
            .send()
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_purchase_takes_few_round_trips() {
    let counted = Counted::open().await;
    for n in 0..4 {
        let sale = purchase(&format!("warm-{n}"), PHONE, 10_000);
        counted.sale(&sale).send().await.expect(201);
    }
    let sale = purchase("A-1", PHONE, 10_000);
    let first = counted.takes(POST, 201, counted.sale(&sale)).await;
    // The same again under the same key: the answer is found and given again.
    counted.sale(&sale).send().await.expect(201);
    let again = counted.takes(POST, 201, counted.sale(&sale)).await;
    assert_eq!(first, again);
}

#[tokio::test]
async fn a_purchase_that_points_pay_takes_as_few() {
    let counted = Counted::open().await;
    let member = counted.shop.member_with(PHONE, 100_000).await;
    for n in 0..3 {
        let sale = counted.by_code(&format!("warm-{n}"), &member).await;
        counted.sale(&sale).send().await.expect(201);
        counted.pass_half_a_minute(&member).await;
    }
    let sale = counted.by_code("A-1", &member).await;
    counted.takes(POST, 201, counted.sale(&sale)).await;
}

#[tokio::test]
async fn purchases_at_once_share_their_round_trips() {
    let counted = Counted::open().await;
    let sales = |round: u32| {
        let counted = &counted;
        let sale = move |n: u32| {
            let phone = format!("+7916000{n:04}");
            let body = purchase(&format!("{round}-{n}"), &phone, 10_000);
            counted.sale(&body).send()
        };
        join_all((0..40).map(sale))
    };
    for round in 0..3 {
        all_posted(&sales(round).await);
    }
    let (answers, trips) = counted.trips(sales(9)).await;
    all_posted(&answers);
    let groups = trips.len() / POST;
    assert!(groups < 40, "{groups} groups");
    assert_eq!(trips.len(), groups * POST, "{trips:#?}");
}

fn all_posted(answers: &[Answer]) {
    for answer in answers {
        answer.expect(201);
    }
}

#[tokio::test]
async fn a_quote_takes_one_round_trip() {
    let counted = Counted::open().await;
    let member = counted.shop.member_with(PHONE, 100_000).await;
    let plain = purchase("Q-1", PHONE, 10_000);
    let stranger = purchase("Q-1", "+79169999999", 10_000);
    let paid = counted.by_code("Q-1", &member).await;
    for _ in 0..2 {
        for body in [&plain, &paid, &stranger] {
            counted.quote(body).send().await.expect(200);
        }
    }
    for body in [&plain, &paid, &stranger] {
        counted.takes(QUOTE, 200, counted.quote(body)).await;
    }
    // A person's limits come with the same look.
    let app = &counted.shop.app;
    let cashier = app.staff(counted.shop.business, "+79160000007", StaffRole::Cashier);
    let cashier = cashier.await;
    let quote = || {
        let request = app.post("/api/v1/loyalty/quote").bearer(&cashier.token);
        request.json(&plain)
    };
    for _ in 0..9 {
        quote().send().await.expect(200);
    }
    counted.takes(QUOTE, 200, quote()).await;
}

#[tokio::test]
async fn a_balance_takes_one_round_trip_or_none() {
    let counted = Counted::open().await;
    let member = counted.shop.member_with(PHONE, 1_000).await;
    counted.balance(&member).send().await.expect(200);
    counted.takes(0, 200, counted.balance(&member)).await;
    let fresh = counted.balance(&member).header("cache-control", "no-cache");
    counted.takes(BALANCE, 200, fresh).await;
    // What this server writes is seen at once.
    let sale = purchase("A-1", PHONE, 20_000);
    counted.sale(&sale).send().await.expect(201);
    let balance = counted.takes(BALANCE, 200, counted.balance(&member)).await;
    assert_eq!(balance["available"], 2_000);
    counted.takes(0, 200, counted.balance(&member)).await;
}

#[tokio::test]
async fn a_hold_takes_as_many_round_trips_as_are_written_down() {
    let counted = Counted::open().await;
    let member = counted.shop.member_with(PHONE, 100_000).await;
    let (warm, last) = (0..3, 3);
    for n in warm {
        hold_and_end(&counted, &member, n, usize::MAX).await;
    }
    hold_and_end(&counted, &member, last, HOLD).await;
}

async fn hold_and_end(counted: &Counted, member: &SignedIn, n: usize, most: usize) {
    for (verb, status) in [("capture", 200), ("void", 200)] {
        let reference = format!("{verb}-{n}");
        let code = counted.shop.code(member).await;
        let body = json!({ "reference": reference, "member": { "code": code }, "points": 1_000 });
        let request = counted.till_post("loyalty/holds", &reference, &body);
        let hold = counted.takes(most, 201, request).await;
        let id = hold["id"].as_str().expect("an id");
        let key = format!("{reference}-{verb}");
        let request = counted.till_post(&format!("loyalty/holds/{id}/{verb}"), &key, &json!({}));
        counted.takes(most, status, request).await;
        counted.pass_half_a_minute(member).await;
    }
}

#[tokio::test]
async fn a_refund_takes_as_many_round_trips_as_are_written_down() {
    let counted = Counted::open().await;
    // Which of the engine's connections takes a refund is its purchase's luck; each prepares the statements once.
    for n in 0..50 {
        let sale = purchase(&format!("A-{n}"), PHONE, 10_000);
        let sale = counted.sale(&sale).send().await.expect(201);
        let id = sale["id"].as_str().expect("an id");
        let path = format!("transactions/{id}/refunds");
        let refund = counted.till_post(&path, &format!("r-{n}"), &json!({ "amount": 5_000 }));
        let (answer, trips) = counted.trips(refund.send()).await;
        answer.expect(201);
        if !trips.iter().any(|trip| trip.starts_with("prepare ")) {
            assert!(trips.len() <= REFUND, "{trips:#?}");
            return;
        }
    }
    panic!("the statements are prepared each time");
}

#[tokio::test]
async fn who_is_asking_is_known_without_a_round_trip() {
    let counted = Counted::open().await;
    let member = counted.shop.app.sign_in(PHONE).await;
    let unknown = || counted.shop.app.get("/api/v1/nothing-here");
    for credential in [&member.token, &counted.shop.till] {
        counted.balance(&member).send().await.expect(200);
        unknown().bearer(credential).send().await.expect(404);
        counted.takes(0, 404, unknown().bearer(credential)).await;
    }
    // A sign-in that was not seen for a while takes one look, roles and all.
    counted.shop.app.advance(Duration::from_secs(6));
    counted.takes(2, 404, unknown().bearer(&member.token)).await;
}
