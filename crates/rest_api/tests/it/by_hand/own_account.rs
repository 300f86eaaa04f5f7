//! Whoever stands at a till with a sign-in of his own moves no points of the own account, whichever way they would go.

use domain::rights::StaffRole;
use serde_json::{Value, json};
use test_kit::{Answer, SignedIn};

use super::Desk;
use crate::transactions::purchase;

const CASHIER: &str = "+79160000007";
const COLLEAGUE: &str = "+79160000008";

/// A cashier who has points of his own, and a colleague.
async fn two_at_the_till(desk: &Desk) -> (SignedIn, SignedIn) {
    let shop = &desk.shop;
    let staff = async |phone| {
        shop.app
            .staff(shop.business, phone, StaffRole::Cashier)
            .await
    };
    let both = (staff(CASHIER).await, staff(COLLEAGUE).await);
    let sale = shop.post(&purchase("seed", CASHIER, 400_000)).await;
    sale.expect(201);
    both
}

/// The same request by the cashier himself, who is refused, and by the colleague, who is not.
async fn not_oneself(
    desk: &Desk,
    (own, colleague): (&SignedIn, &SignedIn),
    path: &str,
    key: &str,
    body: &Value,
) -> Answer {
    let refused = desk.post(own, path, key, body).send().await;
    refused.expect_problem(409, "own_account");
    let done = desk.post(colleague, path, key, body).send().await;
    assert!(done.status.is_success(), "{path}: {}", done.text());
    done
}

fn id_of(body: &Value) -> &str {
    body["id"].as_str().expect("an identifier")
}

#[tokio::test]
async fn nobody_at_a_till_refunds_or_voids_the_own_purchase() {
    let desk = Desk::open().await;
    let (own, colleague) = two_at_the_till(&desk).await;
    let who = (&own, &colleague);
    for (n, (what, body)) in [
        ("refunds", json!({ "amount": 5_000 })),
        ("void", json!({ "reason": "не подошло" })),
    ]
    .iter()
    .enumerate()
    {
        let sale = purchase(&format!("S-{n}"), CASHIER, 10_000);
        let sale = desk.shop.post(&sale).await.expect(201);
        let path = format!("/transactions/{}/{what}", id_of(&sale));
        not_oneself(&desk, who, &path, what, body).await;
    }
    desk.shop.audit().await;
}

#[tokio::test]
async fn nobody_at_a_till_holds_takes_or_releases_own_points() {
    let desk = Desk::open().await;
    let (own, colleague) = two_at_the_till(&desk).await;
    let who = (&own, &colleague);
    for end in ["capture", "void"] {
        desk.shop.app.advance(std::time::Duration::from_secs(60));
        let code = desk.shop.code(&own).await;
        let body = json!({ "reference": end, "member": { "code": code }, "points": 1_000 });
        let held = not_oneself(&desk, who, "/loyalty/holds", end, &body).await;
        let path = format!("/loyalty/holds/{}", id_of(&held.json()));
        let ended = format!("{path}/{end}");
        not_oneself(&desk, who, &ended, &format!("{end}-1"), &json!({})).await;
        if end == "capture" {
            // What was taken is not given back to oneself either.
            not_oneself(&desk, who, &format!("{path}/void"), "back", &json!({})).await;
        }
    }
    desk.shop.audit().await;
}

#[tokio::test]
async fn a_batch_is_sent_by_no_person() {
    let desk = Desk::open().await;
    let (own, _) = two_at_the_till(&desk).await;
    let body = json!({ "items": [purchase("B-1", CASHIER, 10_000)] });
    let refused = desk.post(&own, "/transactions/batch", "b", &body).send();
    refused.await.expect_problem(403, "forbidden");
}
