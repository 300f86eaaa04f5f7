//! The questions of `docs/security.md` for the day of a leak, asked as they stand there: a page that is wrong on that day is
//! worse than none.

use domain::rights::OperatorRole;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _};

use super::PHONE;
use crate::transactions::{Shop, purchase};

/// The statements under "Whose data since T".
fn questions() -> Vec<String> {
    let page = include_str!("../../../../../docs/security.md");
    let (_, section) = page
        .split_once("### Whose data since T")
        .expect("the section");
    let (_, block) = section.split_once("```sql").expect("a block");
    let (block, _) = block.split_once("```").expect("its end");
    let lines = block.lines().filter(|line| !line.starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let each = text.split(';').map(str::trim);
    each.filter(|one| !one.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What a question finds, as JSON.
async fn ask(shop: &Shop, question: &str) -> Vec<Value> {
    let statement = format!("select to_jsonb(q) from ({question}) q");
    let rows = sqlx::query(AssertSqlSafe(statement))
        .fetch_all(
            &mut *shop
                .app
                .context
                .across()
                .connection()
                .await
                .expect("a connection"),
        )
        .await;
    let rows = rows.unwrap_or_else(|error| panic!("{question}: {error}"));
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_questions_of_the_day_of_a_leak_are_answered() {
    let shop = Shop::open().await;
    let anna = shop.member_with(PHONE, 1_000).await;
    shop.post(&purchase("A-1", PHONE, 1_000)).await.expect(201);
    let support = shop
        .app
        .operator("+79160000001", OperatorRole::Support)
        .await;
    let path = format!("/api/v1/admin/members/{}", anna.member);
    shop.app
        .get(&path)
        .bearer(&support.token)
        .send()
        .await
        .expect(200);
    let export = shop.app.get("/api/v1/users/me/export").bearer(&anna.token);
    assert!(export.send().await.status.is_success());
    shop.app.run_personal_data_jobs().await;
    let quoted = |value: String| format!("'{value}'");
    let moment = quoted((shop.app.now() - chrono::TimeDelta::hours(1)).to_rfc3339());
    let bound = |question: &str| {
        question
            .replace(":person", &quoted(support.member.to_string()))
            .replace(":business", &quoted(shop.business.to_string()))
            .replace(":member", &quoted(anna.member.to_string()))
            .replace(":dump", &quoted(shop.app.now().to_rfc3339()))
            .replace(":t", &moment)
    };
    let questions = questions();
    assert_eq!(questions.len(), 6, "{questions:#?}");
    let mut found = Vec::new();
    for question in &questions {
        found.push(ask(&shop, &bound(question)).await);
    }
    let member = Value::from(anna.member.to_string());
    let viewed = |row: &Value| row["action"] == "member.view" && row["object_id"] == member;
    assert!(found[0].iter().any(viewed), "{:#?}", found[0]);
    for of_key in &found[1..3] {
        assert_eq!(of_key.len(), 1);
        assert_eq!(of_key[0]["member_id"], member);
    }
    assert_eq!(found[3].len(), 1, "one sign-in");
    let active = |row: &Value| row["status"] == "active" && row["count"] == 2;
    assert!(found[4].iter().any(active), "{:#?}", found[4]);
    assert_eq!(found[5].len(), 1);
    assert_eq!(found[5][0]["member_id"], member);
}
