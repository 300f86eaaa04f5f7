//! The job queue over HTTP.

use http_kit::CursorSealer;
use serde_json::{Value, json};

use super::Office;

const PATH: &str = "/api/v1/admin/jobs";

async fn enqueue(office: &Office, job: &str) -> i64 {
    sqlx::query_scalar("select id from graphile_worker.add_job($1, '{}'::json)")
        .bind(job)
        .fetch_one(office.app.context.pool())
        .await
        .expect("the database answers")
}

async fn kill(office: &Office, id: i64) {
    sqlx::query(
        "update graphile_worker._private_jobs set attempts = max_attempts, last_error = 'TaskError(\"no paper\")'
         where id = $1",
    )
    .bind(id)
    .execute(office.app.context.pool())
    .await
    .expect("the database answers");
}

fn sealer(office: &Office) -> CursorSealer {
    CursorSealer::new(office.app.context.vault().cursor_key())
}

/// The path that runs a job again: the queue's number is not shown outside.
fn retry_path(office: &Office, job: i64) -> String {
    format!("{PATH}/{}/retry", sealer(office).seal("job", &(), &job))
}

fn ids(office: &Office, queue: &Value) -> Vec<i64> {
    let items = queue["items"].as_array().expect("a list");
    let numbers = items.iter().map(|job| {
        let id = job["id"].as_str().expect("a text");
        sealer(office)
            .open("job", &(), id)
            .expect("an identifier of ours")
    });
    numbers.collect()
}

#[tokio::test]
async fn the_queue_is_shown_filtered_and_paged() {
    let office = Office::open().await;
    let mut known = Vec::new();
    for job in ["a.one", "b.two", "a.one", "a.one"] {
        known.push(enqueue(&office, job).await);
    }
    kill(&office, known[2]).await;
    known.reverse();

    let all = office.get(PATH).await.expect(200);
    assert_eq!(ids(&office, &all), known);
    assert_eq!(all["next_cursor"], Value::Null);
    let dead = &all["items"][1];
    assert_eq!(
        (&dead["state"], &dead["last_error"]),
        (&"dead".into(), &"no paper".into())
    );
    assert_eq!(
        (&dead["job"], &dead["payload"]),
        (&"a.one".into(), &json!({}))
    );
    assert_eq!(
        all["counts"],
        json!([
            { "job": "a.one", "state": "dead", "count": 1 },
            { "job": "a.one", "state": "waiting", "count": 2 },
            { "job": "b.two", "state": "waiting", "count": 1 },
        ])
    );
    assert_eq!(all["schedules"], json!([]), "a test has no timetable");

    let first = office
        .get(&format!("{PATH}?job=a.one&limit=2"))
        .await
        .expect(200);
    assert_eq!(ids(&office, &first), [known[0], known[1]]);
    // What arrives meanwhile does not move the next page.
    enqueue(&office, "a.one").await;
    let cursor = first["next_cursor"].as_str().expect("a text");
    let next = format!("{PATH}?job=a.one&limit=2&cursor={cursor}");
    let next = office.get(&next).await.expect(200);
    assert_eq!(ids(&office, &next), [known[3]]);
    assert_eq!(next["next_cursor"], Value::Null);
    let other = office
        .get(&format!("{PATH}?job=b.two&cursor={cursor}"))
        .await;
    other.expect_problem(400, "invalid_cursor");
    let dead = office.get(&format!("{PATH}?state=dead")).await.expect(200);
    assert_eq!(ids(&office, &dead), [known[1]]);
    let wrong = office.get(&format!("{PATH}?state=gone&limit=0")).await;
    let problem = wrong.expect_problem(422, "invalid_fields");
    assert_eq!(
        problem["errors"].as_array().expect("a list").len(),
        2,
        "{problem}"
    );
}

#[tokio::test]
async fn a_dead_letter_runs_again() {
    let office = Office::open().await;
    let job = enqueue(&office, "a.one").await;
    let retry = retry_path(&office, job);
    let alive = office.send("POST", &retry, "", &Value::Null).await;
    alive.expect_problem(409, "conflict");
    kill(&office, job).await;
    office
        .send("POST", &retry, "", &Value::Null)
        .await
        .expect(204);
    let queue = office.get(PATH).await.expect(200);
    assert_eq!(queue["items"][0]["state"], "waiting");
    assert_eq!(queue["items"][0]["attempts"], 0);
    let known = queue["items"][0]["id"].as_str().expect("a text");
    assert_eq!(retry, format!("{PATH}/{known}/retry"));
    let forged = [&known[1..], "9999999", "0", "x"].map(|id| format!("{PATH}/{id}/retry"));
    for path in [retry_path(&office, 9_999_999), retry_path(&office, 0)]
        .into_iter()
        .chain(forged)
    {
        let answer = office.send("POST", &path, "", &Value::Null).await;
        answer.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_queue_is_for_admins() {
    let office = Office::open().await;
    let retry = retry_path(&office, 1);
    office
        .are_for_admins_only(&[("GET", PATH, Value::Null), ("POST", &retry, Value::Null)])
        .await;
}
