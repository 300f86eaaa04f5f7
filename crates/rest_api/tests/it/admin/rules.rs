//! Earning rules: added, listed, changed from a date on.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Office, pairs, wrong_fields};

const RULES: &str = "/api/v1/admin/rules";

fn rule() -> Value {
    json!({
        "definition": {
            "name_ru": "Удвоение", "name_en": "Double",
            "reward": { "kind": "multiplier", "factor": 20_000 },
        },
    })
}

async fn add(office: &Office, body: &Value) -> Value {
    office.send("POST", RULES, "", body).await.expect(201)
}

#[tokio::test]
async fn a_rule_is_added_read_and_listed() {
    let office = Office::open().await;
    let business = office.app.business("luna").await;
    let full = json!({
        "business_id": business.to_string(),
        "funder_business_id": business.to_string(),
        "effective_from": "2026-04-01T00:00:00Z",
        "effective_until": "2026-05-01T00:00:00Z",
        "definition": {
            "name_ru": "  Утро ", "name_en": "Morning", "active": false,
            "reward": { "kind": "extra_rate", "rate": 250 },
            "conditions": {
                "categories": ["food"], "minimum": 10_000, "weekdays": [1, 7],
                "hours": { "from_minute": 0, "until_minute": 1_440 },
                "visit": { "kind": "every", "n": 3 },
                "birthday": { "days_before": 1, "days_after": 2 },
                "tiers": ["vip"],
            },
            "caps": { "per_purchase": 1, "per_member": { "points": 2, "period": "always" }, "budget": 3 },
            "activation_delay_hours": 24,
            "validity": { "kind": "end_of_year" },
        },
    });
    let answer = office.send("POST", RULES, "", &full).await;
    let added = answer.expect(201);
    let mut expected = full.clone();
    expected["id"] = added["id"].clone();
    expected["version"] = json!(1);
    expected["definition"]["name_ru"] = json!("Утро");
    assert_eq!(added, expected);
    let address = format!("{RULES}/{}", added["id"].as_str().expect("an id"));
    assert_eq!(answer.header("location"), address);
    assert_eq!(answer.header("etag"), "\"v1\"");
    let read = office.get(&address).await;
    assert_eq!(read.expect(200), added);
    assert_eq!(read.header("etag"), "\"v1\"");

    let second = add(&office, &rule()).await;
    assert_eq!(second["definition"]["active"], true);
    assert_eq!(second["definition"]["conditions"]["visit"], Value::Null);
    assert_eq!(second["effective_from"], "2026-03-02T09:00:00Z");
    assert_eq!(second["funder_business_id"], Value::Null);
    let first_page = office.get(&format!("{RULES}?limit=1")).await.expect(200);
    assert_eq!(first_page["items"], json!([added]));
    let cursor = first_page["next_cursor"].as_str().expect("a cursor");
    add(&office, &rule()).await;
    let rest = office
        .get(&format!("{RULES}?cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(rest["items"][0], second);
    assert_eq!(rest["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_change_holds_from_its_date_on() {
    let office = Office::open().await;
    let added = add(&office, &rule()).await;
    let address = format!("{RULES}/{}", added["id"].as_str().expect("an id"));
    let change = json!({
        "effective_from": "2026-03-03T00:00:00Z",
        "definition": { "reward": { "kind": "fixed", "points": 700 }, "validity": { "kind": "never" } },
    });
    let answer = office.send("PATCH", &address, "\"v1\"", &change).await;
    let changed = answer.expect(200);
    assert_eq!(answer.header("etag"), "\"v2\"");
    assert_eq!(changed["version"], 2);
    assert_eq!(changed["definition"]["name_en"], "Double");
    assert_eq!(
        changed["definition"]["validity"],
        json!({ "kind": "never" })
    );
    let reward_now = async || {
        let rules = office
            .app
            .get("/api/v1/loyalty/rules")
            .send()
            .await
            .expect(200);
        let promotions = rules["promotions"].as_array().expect("promotions").clone();
        assert_eq!(promotions.len(), 1, "{rules}");
        promotions[0]["reward"]["kind"].clone()
    };
    assert_eq!(reward_now().await, "multiplier");
    office.app.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(reward_now().await, "fixed");
}

#[tokio::test]
async fn null_empties_and_a_switch_ends_a_rule() {
    let office = Office::open().await;
    let mut new = rule();
    new["effective_until"] = json!("2027-01-01T00:00:00Z");
    new["definition"]["activation_delay_hours"] = json!(5);
    let added = add(&office, &new).await;
    let address = format!("{RULES}/{}", added["id"].as_str().expect("an id"));
    let change = json!({ "definition": { "active": false } });
    let changed = office.send("PATCH", &address, "\"v1\"", &change).await;
    let changed = changed.expect(200);
    assert_eq!(changed["effective_until"], "2027-01-01T00:00:00Z");
    assert_eq!(changed["definition"]["activation_delay_hours"], 5);
    let rules = office
        .app
        .get("/api/v1/loyalty/rules")
        .send()
        .await
        .expect(200);
    assert_eq!(rules["promotions"], json!([]));
    let change = json!({
        "effective_until": null,
        "definition": { "active": true, "activation_delay_hours": null },
    });
    let changed = office.send("PATCH", &address, "\"v2\"", &change).await;
    let changed = changed.expect(200);
    assert_eq!(changed["effective_until"], Value::Null);
    assert_eq!(changed["definition"]["activation_delay_hours"], Value::Null);
}

#[tokio::test]
async fn a_change_names_the_version_that_it_is_made_to() {
    let office = Office::open().await;
    let added = add(&office, &rule()).await;
    let address = format!("{RULES}/{}", added["id"].as_str().expect("an id"));
    let change = json!({ "definition": { "name_en": "Twice" } });
    let patch = async |tag: &str| office.send("PATCH", &address, tag, &change).await;
    patch("").await.expect_problem(428, "precondition_required");
    for tag in ["\"v2\"", "*", "\"theirs\""] {
        patch(tag).await.expect_problem(412, "precondition_failed");
    }
    patch("v1").await.expect_problem(400, "bad_request");
    patch("\"v1\"").await.expect(200);
    patch("\"v1\"")
        .await
        .expect_problem(412, "precondition_failed");
    let nowhere = format!("{RULES}/019cadf4-6c80-7000-8000-000000000001");
    let unknown = office.send("PATCH", &nowhere, "\"v1\"", &change).await;
    unknown.expect_problem(404, "not_found");
}

#[tokio::test]
async fn every_fault_of_a_rule_is_named() {
    let office = Office::open().await;
    let shape = json!({
        "definition": {
            "name_ru": "", "name_en": "x".repeat(101),
            "reward": { "kind": "multiplier", "factor": 10_000 },
            "conditions": {
                "weekdays": [0], "visit": { "kind": "nth", "n": 0 }, "birthday": { "days_before": 1 },
            },
            "caps": { "budget": -1 },
            "validity": { "kind": "days", "count": 0 },
            "colour": "red",
        },
    });
    assert_eq!(
        wrong_fields(&office.send("POST", RULES, "", &shape).await),
        pairs(&[
            ("/definition/caps/budget", "out_of_range"),
            ("/definition/colour", "unknown_field"),
            (
                "/definition/conditions/birthday/days_after",
                "missing_field"
            ),
            ("/definition/conditions/visit/n", "out_of_range"),
            ("/definition/conditions/weekdays/0", "out_of_range"),
            ("/definition/name_en", "too_long"),
            ("/definition/name_ru", "bad_format"),
            ("/definition/name_ru", "too_short"),
            ("/definition/reward/factor", "out_of_range"),
            ("/definition/validity/count", "out_of_range"),
        ])
    );
    let mut meaning = rule();
    meaning["definition"]["conditions"] = json!({
        "categories": ["no_such_category"], "tiers": ["no_such_tier"],
        "hours": { "from_minute": 60, "until_minute": 60 },
    });
    let expected = pairs(&[
        ("/definition/conditions/categories", "invalid_value"),
        ("/definition/conditions/hours", "invalid_value"),
        ("/definition/conditions/tiers", "invalid_value"),
    ]);
    assert_eq!(
        wrong_fields(&office.send("POST", RULES, "", &meaning).await),
        expected
    );
    let added = add(&office, &rule()).await;
    let address = format!("{RULES}/{}", added["id"].as_str().expect("an id"));
    let answer = office.send("PATCH", &address, "\"v1\"", &meaning).await;
    assert_eq!(wrong_fields(&answer), expected);
    assert_eq!(office.get(&address).await.expect(200), added);
}

#[tokio::test]
async fn dates_and_businesses_must_make_sense() {
    let office = Office::open().await;
    let added = add(&office, &rule()).await;
    let address = format!("{RULES}/{}", added["id"].as_str().expect("an id"));
    let past = json!({ "effective_from": "2026-03-02T08:59:59Z" });
    let answer = office.send("PATCH", &address, "\"v1\"", &past).await;
    assert_eq!(
        wrong_fields(&answer),
        pairs(&[("/effective_from", "out_of_range")])
    );
    let mut backwards = rule();
    backwards["effective_from"] = json!("2026-04-01T00:00:00Z");
    backwards["effective_until"] = json!("2026-04-01T00:00:00Z");
    let answer = office.send("POST", RULES, "", &backwards).await;
    assert_eq!(
        wrong_fields(&answer),
        pairs(&[("/effective_from", "out_of_range")])
    );
    for field in ["business_id", "funder_business_id"] {
        let mut nowhere = rule();
        nowhere[field] = json!("019cadf4-6c80-7000-8000-000000000001");
        let answer = office.send("POST", RULES, "", &nowhere).await;
        answer.expect_problem(409, "unknown_business");
    }
}

#[tokio::test]
async fn rules_are_for_admins() {
    let office = Office::open().await;
    let one = format!("{RULES}/019cadf4-6c80-7000-8000-000000000001");
    let operations = [
        ("GET", RULES, Value::Null),
        ("GET", &one, Value::Null),
        ("POST", RULES, rule()),
        ("PATCH", &one, json!({})),
    ];
    office.are_for_admins_only(&operations).await;
}
