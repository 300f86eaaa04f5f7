//! The programme's settings.

use serde_json::{Value, json};

use super::{Office, pairs, wrong_fields};

const SETTINGS: &str = "/api/v1/admin/settings";

async fn settings(office: &Office) -> (Value, String) {
    let answer = office.get(SETTINGS).await;
    let settings = answer.expect(200)["settings"].clone();
    (settings, answer.header("etag").to_owned())
}

#[tokio::test]
async fn settings_are_read_changed_and_put_back() {
    let office = Office::open().await;
    let (mut settings, tag) = settings(&office).await;
    assert_eq!(tag, "\"v1\"");
    assert_eq!(
        settings["validity"],
        json!({ "kind": "days", "count": 365 })
    );
    assert_eq!(settings["time_zone"], "Europe/Moscow");
    settings["validity"] = json!({ "kind": "months", "count": 6 });
    settings["activation_delay_hours"] = json!(48);
    settings["max_earned_per_purchase"] = json!(1_000_000);
    settings["categories"]
        .as_array_mut()
        .expect("categories")
        .push(json!({
            "code": "zine", "name_ru": "Журнал", "name_en": "Zine", "earns": true, "payable": false,
        }));
    let answer = office.send("PUT", SETTINGS, &tag, &settings).await;
    let changed = answer.expect(200);
    assert_eq!(answer.header("etag"), "\"v2\"");
    assert_eq!(changed["version"], 2);
    assert_eq!(changed["settings"], settings);
    assert_eq!(office.get(SETTINGS).await.expect(200), changed);
    let rules = office.app.get("/api/v1/loyalty/rules").send().await;
    let rules = rules.expect(200);
    assert_eq!(rules["activation_delay_hours"], 48);
    assert_eq!(rules["validity"], json!({ "kind": "months", "count": 6 }));
}

#[tokio::test]
async fn a_change_names_the_version_that_was_read() {
    let office = Office::open().await;
    let (settings, tag) = settings(&office).await;
    let put = async |tag: &str| office.send("PUT", SETTINGS, tag, &settings).await;
    put("").await.expect_problem(428, "precondition_required");
    put("*").await.expect_problem(412, "precondition_failed");
    put(&tag).await.expect(200);
    put(&tag).await.expect_problem(412, "precondition_failed");
}

#[tokio::test]
async fn every_wrong_setting_is_named() {
    let office = Office::open().await;
    let (good, tag) = settings(&office).await;
    let mut shape = good.clone();
    shape["currency"] = json!("rub");
    shape["share_cap"] = json!(10_001);
    shape["hold_minutes"] = json!("15");
    shape["clawback"] = json!("never");
    shape["colour"] = json!("red");
    shape.as_object_mut().expect("an object").remove("name");
    let answer = office.send("PUT", SETTINGS, &tag, &shape).await;
    assert_eq!(
        wrong_fields(&answer),
        pairs(&[
            ("/clawback", "unknown_value"),
            ("/colour", "unknown_field"),
            ("/currency", "bad_format"),
            ("/hold_minutes", "wrong_type"),
            ("/name", "missing_field"),
            ("/share_cap", "out_of_range"),
        ])
    );
    let mut meaning = good.clone();
    meaning["time_zone"] = json!("Europe/Nowhere");
    let category = meaning["categories"][0].clone();
    let categories = meaning["categories"].as_array_mut().expect("categories");
    categories.insert(1, category);
    let answer = office.send("PUT", SETTINGS, &tag, &meaning).await;
    assert_eq!(
        wrong_fields(&answer),
        pairs(&[
            ("/categories/1/code", "duplicate"),
            ("/time_zone", "unknown_value"),
        ])
    );
    let mut blank = good.clone();
    blank["name"] = json!("   ");
    let answer = office.send("PUT", SETTINGS, &tag, &blank).await;
    assert_eq!(wrong_fields(&answer), pairs(&[("/name", "bad_format")]));
    let mut without_general = good.clone();
    let categories = without_general["categories"].as_array_mut();
    categories
        .expect("categories")
        .retain(|category| category["code"] != "general");
    let answer = office.send("PUT", SETTINGS, &tag, &without_general).await;
    assert_eq!(
        wrong_fields(&answer),
        pairs(&[("/categories", "invalid_value")])
    );
    assert_eq!(settings(&office).await, (good, tag));
}

#[tokio::test]
async fn settings_are_for_admins() {
    let office = Office::open().await;
    let (settings, _) = settings(&office).await;
    let operations = [("GET", SETTINGS, Value::Null), ("PUT", SETTINGS, settings)];
    office.are_for_admins_only(&operations).await;
}
