//! The OpenAPI document is equal to the routes and whole enough for other programs.

use std::collections::BTreeSet;
use std::time::Duration;

use rest_api::routes::table;
use serde_json::Value;
use test_kit::TestApp;

pub(crate) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

pub(crate) fn document() -> Value {
    serde_json::to_value(rest_api::openapi()).expect("plain JSON")
}

pub(crate) fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                all.push((method.to_owned(), path.clone(), operation));
            }
        }
    }
    all
}

/// The path with something in place of each parameter.
pub(crate) fn concrete(path: &str) -> String {
    path.split('/')
        .map(|step| {
            if step.starts_with('{') {
                "019cadf4-6c80-7000-8000-000000000001"
            } else {
                step
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn the_document_is_served_as_it_is_made() {
    let app = TestApp::start().await;
    let answer = app.get("/openapi.json").send().await;
    assert_eq!(answer.expect(200), document());
    assert!(document()["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn every_operation_is_routed_and_nothing_else_is() {
    let app = TestApp::start().await;
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let answer = app
                .request(&method.to_uppercase(), &concrete(path))
                .send()
                .await;
            let documented = item.get(method).is_some();
            assert_eq!(
                answer.status != 405,
                documented,
                "{method} {path}: {}",
                answer.text()
            );
        }
        // So many requests of one address would have to wait otherwise.
        app.advance(Duration::from_secs(1));
    }
    for page in table().iter().filter(|entry| !entry.documented) {
        let path = &page.path;
        assert!(document["paths"].get(path).is_none());
        let answer = app.get(&path.replace("{code}", "not_found")).send().await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[test]
fn every_operation_is_described() {
    let document = document();
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{at}: {id} stands twice");
        assert!(
            !operation["summary"].as_str().unwrap_or_default().is_empty(),
            "{at} has no summary"
        );
        let description = operation["description"].as_str().unwrap_or_default();
        assert!(!description.is_empty(), "{at} has no description");
        assert!(
            tags.contains(operation["tags"][0].as_str().unwrap()),
            "{at} has no known tag"
        );
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{at} has no good answer"
        );
        for status in ["400", "429", "500", "503"] {
            assert!(responses.contains_key(status), "{at} lacks {status}");
        }
        if operation.get("requestBody").is_some() {
            for status in ["413", "415", "422"] {
                assert!(responses.contains_key(status), "{at} lacks {status}");
            }
        }
    }
}

/// Calls `visit` with every schema in `value`, and where it stands.
fn walk(value: &Value, at: &str, visit: &mut impl FnMut(&Value, &str)) {
    match value {
        Value::Object(map) => {
            if map
                .get("type")
                .is_some_and(|kind| kind.is_string() || kind.is_array())
            {
                visit(value, at);
            }
            for (name, inner) in map {
                if !["example", "examples", "default", "enum"].contains(&name.as_str()) {
                    walk(inner, &format!("{at}/{name}"), visit);
                }
            }
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, inner)| walk(inner, &format!("{at}/{n}"), visit)),
        _ => {}
    }
}

#[test]
fn every_schema_is_bounded() {
    let document = document();
    walk(&document["components"]["schemas"], "", &mut |schema, at| {
        let is = |name: &str| {
            schema["type"] == name
                || schema["type"]
                    .as_array()
                    .is_some_and(|all| all.contains(&name.into()))
        };
        if is("string") && schema.get("enum").is_none() {
            assert!(schema.get("maxLength").is_some(), "{at} has no maxLength");
            assert!(
                schema.get("pattern").is_some() || schema.get("format").is_some(),
                "{at} has no pattern"
            );
        }
        if is("integer") {
            for bound in ["minimum", "maximum", "format"] {
                assert!(schema.get(bound).is_some(), "{at} has no {bound}");
            }
        }
        if is("array") {
            assert!(schema.get("maxItems").is_some(), "{at} has no maxItems");
        }
    });
}

#[test]
fn every_request_body_refuses_unknown_fields() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let Some(content) = operation["requestBody"]["content"].get("application/json") else {
            continue;
        };
        let name = content["schema"]["$ref"]
            .as_str()
            .expect("a request body has a named schema");
        let schema = &document.pointer(&name[1..]).unwrap();
        let closed = |schema: &Value| schema["additionalProperties"] == false;
        let forms = schema["oneOf"].as_array();
        assert!(
            closed(schema) || forms.is_some_and(|forms| forms.iter().all(closed)),
            "{method} {path}"
        );
    }
}

#[test]
fn the_document_is_the_same_each_time() {
    let text = || rest_api::openapi().to_pretty_json().unwrap();
    let first = text();
    for _ in 0..8 {
        assert!(text() == first, "the order of its parts changes");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let text = document().to_string();
    let document = document();
    for piece in text.split("\"$ref\":\"").skip(1) {
        let target = piece.split('"').next().unwrap();
        assert!(document.pointer(&target[1..]).is_some(), "{target}");
    }
}

#[test]
fn no_secret_travels_in_an_address() {
    for (method, path, operation) in operations(&document()) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let place = parameter["in"].as_str().unwrap();
            let secret = ["phone", "token", "secret", "password"]
                .iter()
                .any(|word| name.contains(word));
            assert!(
                !(secret && ["query", "path"].contains(&place)),
                "{method} {path}: {name}"
            );
        }
    }
}

#[test]
fn every_example_fits_its_schema() {
    let document = document();
    let components = &document["components"];
    for (method, path, operation) in operations(&document) {
        let bodies = operation["responses"]
            .as_object()
            .into_iter()
            .flat_map(|all| all.values())
            .map(|response| match response["$ref"].as_str() {
                Some(place) => document.pointer(&place[1..]).expect("a shared answer"),
                None => response,
            });
        for body in bodies.chain(operation.get("requestBody")) {
            for (media, content) in body["content"].as_object().into_iter().flatten() {
                let mut schema = content["schema"].clone();
                schema["components"] = components.clone();
                let validator = jsonschema::options()
                    .should_validate_formats(true)
                    .build(&schema)
                    .expect("the document's schemas compile");
                let example = &content["example"];
                let errors: Vec<String> = validator
                    .iter_errors(example)
                    .map(|e| format!("{} {e}", e.instance_path()))
                    .collect();
                assert!(errors.is_empty(), "{method} {path} {media}: {errors:?}");
            }
        }
    }
}

/// Deletions that nobody can overwrite unseen: what they end is never changed before, and ending it twice is ending it.
const ENDED_ONCE: [&str; 4] = [
    "businesses_revoke_key",
    "businesses_take_role",
    "admin_lift_code_stop",
    "admin_end_sessions",
];

#[test]
fn what_is_shared_is_changed_only_by_who_has_read_it() {
    for (method, path, operation) in operations(&document()) {
        let id = operation["operationId"].as_str().unwrap();
        let own = path.contains("/users/me") || path.contains("/auth/");
        if !["put", "patch", "delete"].contains(&method.as_str()) || own || ENDED_ONCE.contains(&id)
        {
            continue;
        }
        let asked = operation["parameters"].as_array().into_iter().flatten();
        let mut asked = asked.filter(|one| one["in"] == "header" && one["name"] == "If-Match");
        assert!(
            asked.any(|one| one["required"] == true),
            "{method} {path} takes no If-Match"
        );
        for status in ["412", "428"] {
            assert!(
                operation["responses"].get(status).is_some(),
                "{method} {path} lacks {status}"
            );
        }
    }
}

#[test]
fn what_is_made_has_a_place() {
    for (method, path, operation) in operations(&document()) {
        if let Some(made) = operation["responses"].get("201") {
            assert!(made["headers"].get("Location").is_some(), "{method} {path}");
        }
    }
}

#[test]
fn what_is_said_often_is_said_once() {
    let document = document();
    let shared = document["components"]["responses"].as_object().unwrap();
    assert!(!shared.is_empty());
    let mut seen = Vec::new();
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status.starts_with(['4', '5']) && response.get("$ref").is_none() {
                assert!(
                    !seen.contains(&response),
                    "{method} {path} {status} stands elsewhere too"
                );
                seen.push(response);
            }
        }
    }
}
