//! The ladder, set as a whole.

use serde_json::{Value, json};

use super::{Office, pairs, wrong_fields};
use crate::transactions::{Shop, purchase};

const TIERS: &str = "/api/v1/admin/tiers";

fn tier(code: &str, threshold: i64) -> Value {
    json!({
        "code": code, "name_ru": "Уровень", "name_en": "Level", "threshold": threshold,
        "multiplier": 10_000,
    })
}

#[tokio::test]
async fn a_ladder_is_set_and_holds_at_once() {
    let office = Office::open().await;
    let mut top = tier("gold", 500_000);
    top["validity"] = json!({ "kind": "months", "count": 24 });
    let body = json!({ "tiers": [tier("insider", 0), tier("vip", 100_000), top] });
    let set = office.send("PUT", TIERS, "*", &body).await.expect(200);
    let codes: Vec<&Value> = set["tiers"]
        .as_array()
        .expect("tiers")
        .iter()
        .map(|tier| &tier["code"])
        .collect();
    assert_eq!(codes, ["insider", "vip", "gold"]);
    assert_eq!(set["tiers"][2]["level"], 2);
    assert_eq!(
        set["tiers"][2]["validity"],
        json!({ "kind": "months", "count": 24 })
    );
    let shown = office.app.get("/api/v1/loyalty/tiers").send().await;
    assert_eq!(shown.expect(200), set);
    let again = office.send("PUT", TIERS, "*", &body).await;
    assert_eq!(again.expect(200), set);
}

#[tokio::test]
async fn a_tier_in_which_members_are_stays() {
    let shop = Shop::open().await;
    shop.post(&purchase("A-1", "+79161234567", 3_000_000))
        .await
        .expect(201);
    let office = Office::around(shop.app).await;
    let before = office.app.get("/api/v1/loyalty/tiers").send().await;
    let without_vip = json!({ "tiers": [tier("insider", 0), tier("elite", 100)] });
    let answer = office.send("PUT", TIERS, "*", &without_vip).await;
    answer.expect_problem(409, "tier_in_use");
    let after = office.app.get("/api/v1/loyalty/tiers").send().await;
    assert_eq!(after.expect(200), before.expect(200));
}

#[tokio::test]
async fn what_is_no_ladder_is_refused() {
    let office = Office::open().await;
    let mut low = tier("Insider", -1);
    low["multiplier"] = json!(1_000_001);
    low["name_en"] = json!("");
    let answer = office
        .send("PUT", TIERS, "*", &json!({ "tiers": [low] }))
        .await;
    assert_eq!(
        wrong_fields(&answer),
        pairs(&[
            ("/tiers/0/code", "bad_format"),
            ("/tiers/0/multiplier", "out_of_range"),
            ("/tiers/0/name_en", "bad_format"),
            ("/tiers/0/name_en", "too_short"),
            ("/tiers/0/threshold", "out_of_range"),
        ])
    );
    for (tiers, pointer, code) in [
        (json!([]), "/tiers", "too_few_items"),
        (json!([tier("a", 1)]), "/tiers/0/threshold", "out_of_range"),
        (
            json!([tier("a", 0), tier("b", 0)]),
            "/tiers/1/threshold",
            "out_of_range",
        ),
        (
            json!([tier("a", 0), tier("a", 5)]),
            "/tiers/1/code",
            "invalid_value",
        ),
    ] {
        let answer = office
            .send("PUT", TIERS, "*", &json!({ "tiers": tiers }))
            .await;
        assert_eq!(wrong_fields(&answer), pairs(&[(pointer, code)]));
    }
}

#[tokio::test]
async fn the_ladder_is_set_by_admins() {
    let office = Office::open().await;
    let body = json!({ "tiers": [tier("insider", 0)] });
    office.are_for_admins_only(&[("PUT", TIERS, body)]).await;
}

#[tokio::test]
async fn two_who_change_the_ladder_do_not_overwrite_each_other_unseen() {
    let office = Office::open().await;
    let shown = office.app.get("/api/v1/loyalty/tiers").send().await;
    let tag = shown.header("etag").to_owned();
    assert!(tag.starts_with("\"v"), "{tag}");
    let known = || {
        office
            .app
            .get("/api/v1/loyalty/tiers")
            .header("if-none-match", &tag)
    };
    let same = known().send().await;
    assert_eq!((same.status.as_u16(), same.body.len()), (304, 0));
    assert_eq!(same.header("etag"), tag);
    let first = json!({ "tiers": [tier("insider", 0), tier("vip", 100_000)] });
    let second = json!({ "tiers": [tier("insider", 0), tier("elite", 200_000)] });
    let unseen = office.send("PUT", TIERS, "", &first).await;
    unseen.expect_problem(428, "precondition_required");
    let set = office.send("PUT", TIERS, &tag, &first).await;
    set.expect(200);
    assert_ne!(set.header("etag"), tag);
    let late = office.send("PUT", TIERS, &tag, &second).await;
    late.expect_problem(412, "precondition_failed");
    let after = known().send().await;
    assert_eq!(after.expect(200), set.json());
    let again = office.send("PUT", TIERS, set.header("etag"), &second).await;
    again.expect(200);
}

#[tokio::test]
async fn of_changes_that_race_with_one_tag_one_wins() {
    let office = Office::open().await;
    let shown = office.app.get("/api/v1/loyalty/tiers").send().await;
    let tag = shown.header("etag").to_owned();
    let bodies: Vec<Value> = (1..=8)
        .map(|n| json!({ "tiers": [tier("insider", 0), tier(&format!("t{n}"), 100_000 * n)] }))
        .collect();
    let racing = bodies
        .iter()
        .map(|body| office.send("PUT", TIERS, &tag, body));
    let answers = futures_util::future::join_all(racing).await;
    let with = |status: u16| answers.iter().filter(|one| one.status == status).count();
    assert_eq!((with(200), with(412)), (1, 7));
}
