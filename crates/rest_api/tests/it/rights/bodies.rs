//! Requests made from the document: an operation's smallest body, with things of the town in it.

use std::sync::atomic::{AtomicU32, Ordering};

use rest_api::table::Entry;
use serde_json::{Map, Value, json};
use test_kit::RequestBuilder;

use super::town::{Belongings, Side, Town};

/// Makes requests no two of which share a key or a receipt.
pub(super) struct Bodies {
    document: Value,
    count: AtomicU32,
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self {
            document: serde_json::to_value(rest_api::openapi()).expect("plain JSON"),
            count: AtomicU32::new(0),
        }
    }

    pub(super) fn operation(&self, entry: &Entry) -> &Value {
        &self.document["paths"][&entry.path][entry.method.to_lowercase()]
    }

    /// Whether the operation names a business in its body or its query.
    pub(super) fn names_a_business(&self, entry: &Entry) -> bool {
        self.query_names_a_business(entry)
            || self
                .forms(entry)
                .iter()
                .any(|form| form["properties"].get("business_id").is_some())
    }

    pub(super) fn query_names_a_business(&self, entry: &Entry) -> bool {
        let parameters = self.operation(entry)["parameters"].as_array();
        parameters
            .into_iter()
            .flatten()
            .any(|one| one["in"] == "query" && one["name"] == "business_id")
    }

    /// Whether a body field has this name.
    pub(super) fn has_field(&self, entry: &Entry, name: &str) -> bool {
        let forms = self.forms(entry);
        forms
            .iter()
            .any(|form| form["properties"].get(name).is_some())
    }

    /// The smallest JSON body, if the operation takes one.
    pub(super) fn body(&self, entry: &Entry, things: &Belongings, business: &str) -> Option<Value> {
        let content = self.operation(entry)["requestBody"]["content"].get("application/json")?;
        let forms = self.forms(entry);
        let example = content["example"].as_object().cloned().unwrap_or_default();
        let kept = example
            .into_iter()
            .filter(|(name, _)| match forms.as_slice() {
                [form] => {
                    let required = form["required"].as_array().into_iter().flatten();
                    name == "business_id" || required.into_iter().any(|one| one == name.as_str())
                }
                _ => true,
            });
        let mut kept: Map<_, _> = kept.collect();
        if self.has_field(entry, "business_id") {
            kept.insert("business_id".to_owned(), json!(business));
        }
        let mut body = Value::Object(kept);
        self.put_in(&mut body, things, business);
        Some(body)
    }

    /// The request with everything that the operation asks for beside its rights.
    pub(super) fn dress(&self, request: RequestBuilder, entry: &Entry) -> RequestBuilder {
        if entry.method == "GET" {
            return request;
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        request
            .idempotency_key(&format!("walk-{number}"))
            .header("if-match", "\"none\"")
    }

    fn put_in(&self, value: &mut Value, things: &Belongings, business: &str) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match name.as_str() {
                        "business_id" | "funder_business_id" => *value = json!(business),
                        "location_id" => *value = json!(things.location),
                        // Nobody's: who walks here must not get a role by it.
                        "phone" | "owner_phone" => {
                            let number = self.count.fetch_add(1, Ordering::Relaxed);
                            *value = json!(format!("+79168{number:06}"));
                        }
                        "member" if value.is_object() => *value = json!({"phone": things.phone}),
                        "receipt_number" | "reference" | "slug" => {
                            let number = self.count.fetch_add(1, Ordering::Relaxed);
                            *value = json!(format!("walk-{number}"));
                        }
                        _ => self.put_in(value, things, business),
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.put_in(item, things, business);
                }
            }
            _ => {}
        }
    }

    /// The schemas that a body may have.
    fn forms(&self, entry: &Entry) -> Vec<&Value> {
        let schema = &self.operation(entry)["requestBody"]["content"]["application/json"]["schema"];
        let schema = self.resolve(schema);
        match schema["oneOf"].as_array() {
            Some(forms) => forms.iter().map(|form| self.resolve(form)).collect(),
            None if schema.is_object() => vec![schema],
            None => Vec::new(),
        }
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let target = schema["$ref"].as_str();
        target
            .and_then(|target| self.document.pointer(&target[1..]))
            .unwrap_or(schema)
    }
}

/// A request of an operation to what belongs to `side`.
pub(super) fn request(town: &Town, bodies: &Bodies, entry: &Entry, side: Side) -> RequestBuilder {
    let address = town.address(&entry.path, side, side);
    let things = town.at(side);
    let business = things.business.to_string();
    to(town, bodies, entry, &address, things, &business)
}

/// A request of an operation to an address and a business.
pub(super) fn to(
    town: &Town,
    bodies: &Bodies,
    entry: &Entry,
    address: &str,
    things: &Belongings,
    business: &str,
) -> RequestBuilder {
    let request = bodies.dress(town.app.request(entry.method, address), entry);
    match bodies.body(entry, things, business) {
        Some(body) => request.json(&body),
        None => request,
    }
}
