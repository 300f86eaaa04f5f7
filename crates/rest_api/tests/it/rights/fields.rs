//! What a body may set is what its type lists.

use domain::rights::{OperatorRole, Scope, StaffRole};
use rest_api::routes::table;
use rest_api::table::Entry;
use serde_json::{Value, json};

use super::bodies::Bodies;
use super::town::{Actor, Side, Town};

/// What somebody would like to set.
const WISHES: [&str; 14] = [
    "role",
    "roles",
    "balance",
    "available",
    "business_id",
    "tenant_id",
    "status",
    "created_by",
    "created_at",
    "id",
    "member_id",
    "is_admin",
    "funder",
    "earned",
];

/// Somebody who may call the operation.
fn caller(entry: &Entry) -> Actor {
    let rights = &entry.rights;
    if rights.is_public() {
        return Actor::Anonymous;
    }
    if rights.operator_roles().next().is_some() {
        return Actor::Operator(OperatorRole::Admin);
    }
    if rights.staff_roles().next().is_some() {
        return Actor::Staff(StaffRole::Owner, Side::Home);
    }
    let key = rights
        .scope()
        .map(|scope: Scope| Actor::Key(scope, Side::Home));
    key.unwrap_or(Actor::Member(Side::Home))
}

#[tokio::test]
async fn nobody_sets_what_is_not_to_be_set() {
    let town = Town::build().await;
    let bodies = Bodies::new();
    let things = town.at(Side::Home);
    let business = things.business.to_string();
    let mut writes = 0;
    for entry in table().iter().filter(|entry| entry.documented) {
        let body = bodies.body(entry, things, &business);
        let Some(body) = body.filter(Value::is_object) else {
            continue;
        };
        writes += 1;
        for wish in WISHES {
            if bodies.has_field(entry, wish) {
                continue;
            }
            let mut body = body.clone();
            body[wish] = json!("admin");
            let address = town.address(&entry.path, Side::Home, Side::Home);
            let mut request = bodies.dress(town.app.request(entry.method, &address), entry);
            if let Some(credential) = town.credential(caller(entry)) {
                request = request.bearer(credential);
            }
            let answer = request.json(&body).send().await;
            let at = format!("{} {} with {wish}", entry.method, entry.path);
            assert_eq!(answer.status, 422, "{at}: {}", answer.text());
            // A body that may have no field at all is refused as a whole.
            let pointers = [Value::from(format!("/{wish}")), Value::from("")];
            let errors = answer.json()["errors"].clone();
            let named = errors
                .as_array()
                .is_some_and(|all| all.iter().any(|one| pointers.contains(&one["pointer"])));
            assert!(named, "{at}: {errors}");
        }
    }
    assert!(writes > 15, "only {writes} operations take a body");
}
