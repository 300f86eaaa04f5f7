//! An entry as a use case makes it, and its way into the table.

use std::fmt::Display;

use domain::audit::{Action, ActorKind, ObjectKind};
use domain::ids::BusinessId;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use store::audit_log::EntryRow;
use store::error::StoreError;

use super::mask::{masked, masked_text};
use super::origin::{self, Actor, Origin};
use crate::context::Context;

/// What was done. Identifiers only: no personal data, no code, no token, no text that people wrote freely.
#[derive(Clone, Debug)]
pub struct Entry {
    action: Action,
    object_kind: ObjectKind,
    object_id: Option<String>,
    business: Option<BusinessId>,
    actor: Option<Actor>,
    before: Option<Value>,
    after: Option<Value>,
}

impl Entry {
    /// Something done to an object of this kind.
    #[must_use]
    pub const fn of(action: Action, object_kind: ObjectKind) -> Self {
        Self {
            action,
            object_kind,
            object_id: None,
            business: None,
            actor: None,
            before: None,
            after: None,
        }
    }

    /// Which object.
    #[must_use]
    pub fn id(mut self, id: impl Display) -> Self {
        self.object_id = Some(id.to_string());
        self
    }

    /// The business concerned, if one is.
    #[must_use]
    pub fn business(mut self, business: impl Into<Option<BusinessId>>) -> Self {
        self.business = business.into();
        self
    }

    /// Who did it, where the request itself does not say so yet: somebody who just signed in.
    #[must_use]
    pub fn by(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// What was.
    #[must_use]
    pub fn before(mut self, before: impl Serialize) -> Self {
        self.before = Some(json(before));
        self
    }

    /// What is now.
    #[must_use]
    pub fn after(mut self, after: impl Serialize) -> Self {
        self.after = Some(json(after));
        self
    }

    /// What was and what is now; of two objects only the members that differ.
    #[must_use]
    pub fn changed(mut self, before: impl Serialize, after: impl Serialize) -> Self {
        let (before, after) = match (json(before), json(after)) {
            (Value::Object(before), Value::Object(after)) => {
                let old = differing(&before, &after);
                (
                    Value::Object(old),
                    Value::Object(differing(&after, &before)),
                )
            }
            both => both,
        };
        self.before = Some(before);
        self.after = Some(after);
        self
    }
}

/// Writes an entry in the caller's transaction; the entry is there if and only if the transaction commits.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn record(
    conn: &mut PgConnection,
    ctx: &Context,
    entry: Entry,
) -> Result<(), StoreError> {
    let origin = origin::current();
    let row = row(ctx, origin.as_deref(), entry);
    store::audit_log::insert(conn, &row).await
}

fn row(ctx: &Context, origin: Option<&Origin>, entry: Entry) -> EntryRow {
    let actor = entry
        .actor
        .unwrap_or_else(|| origin.map_or_else(|| Actor::unnamed(ActorKind::System), Origin::actor));
    let text = |value: Value| masked(value).to_string();
    EntryRow {
        id: ctx.ids().uuid(),
        recorded_at: ctx.clock().now(),
        action: entry.action.as_str().to_owned(),
        actor_kind: actor.kind.as_str().to_owned(),
        actor_id: actor.id,
        session_id: actor.session,
        roles: actor.roles,
        via: origin.and_then(Origin::via).map(ToOwned::to_owned),
        request_id: origin.and_then(Origin::request_id).map(ToOwned::to_owned),
        object_kind: entry.object_kind.as_str().to_owned(),
        object_id: entry.object_id.map(masked_text),
        business_id: entry.business.map(Into::into),
        before: entry.before.map(text),
        after: entry.after.map(text),
    }
}

/// The members of `one` that `other` has not, or has differently.
fn differing(one: &Map<String, Value>, other: &Map<String, Value>) -> Map<String, Value> {
    one.iter()
        .filter(|(name, value)| other.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A value that is no JSON (a map whose keys are no texts) must not stop the change that it is about.
fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| {
        tracing::error!(%error, "a value of the audit log is no JSON");
        Value::String("?".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_kept() {
        let entry = Entry::of(Action::BusinessChange, ObjectKind::Business).changed(
            json!({ "rate": 1, "name": "a", "gone": true }),
            json!({ "rate": 2, "name": "a", "new": 1 }),
        );
        assert_eq!(entry.before, Some(json!({ "rate": 1, "gone": true })));
        assert_eq!(entry.after, Some(json!({ "rate": 2, "new": 1 })));
    }
}
