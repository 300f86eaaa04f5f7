//! Shows an admin the audit log, a page at a time, newest first. Who looks is written down as well: the first page of
//! each look, with what was looked for.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ActorKind, ObjectKind};
use domain::ids::BusinessId;
use domain::rights::OperatorRole;
use serde_json::{Value, json};
use store::audit_log::{EntryFilter, PlacedRow};
use store::error::StoreError;
use uuid::Uuid;

use super::entry::{Entry, record};
use crate::auth::session_state::known;
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::transaction;

/// Which entries to show; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Only this action.
    pub action: Option<Action>,
    /// Only what this member or integration key did.
    pub actor: Option<Uuid>,
    /// Only what was done to objects of this kind.
    pub object_kind: Option<ObjectKind>,
    /// Only what was done to this object.
    pub object_id: Option<String>,
    /// Only what concerns this business.
    pub business: Option<BusinessId>,
    /// Only what was written at this moment or later.
    pub from: Option<DateTime<Utc>>,
    /// Only what was written before this moment.
    pub until: Option<DateTime<Utc>>,
    /// Only entries older than this one: the page after it.
    pub before: Option<Uuid>,
}

/// An entry.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Identifier.
    pub id: Uuid,
    /// Its place in the chain, once it is sealed.
    pub sequence: Option<i64>,
    /// When it was written.
    pub recorded_at: DateTime<Utc>,
    /// What was done: the name of an action, of a later version of the program perhaps.
    pub action: String,
    /// Who did it.
    pub actor_kind: ActorKind,
    /// The member or the integration key.
    pub actor_id: Option<Uuid>,
    /// The sign-in.
    pub session_id: Option<Uuid>,
    /// What the actor could do at that moment.
    pub roles: Vec<String>,
    /// The way in.
    pub via: Option<String>,
    /// The name of the request.
    pub request_id: Option<String>,
    /// What it was done to.
    pub object_kind: String,
    /// Which one.
    pub object_id: Option<String>,
    /// The business concerned.
    pub business: Option<BusinessId>,
    /// What was.
    pub before: Option<Value>,
    /// What is now.
    pub after: Option<Value>,
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadLogError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// At most `limit` entries, newest first.
///
/// # Errors
/// See [`ReadLogError`].
pub async fn read_log(
    ctx: &Context,
    caller: &OperatorCaller,
    filter: LogFilter,
    limit: u16,
) -> Result<Vec<LogEntry>, ReadLogError> {
    caller.require(OperatorRole::Admin)?;
    let input = (ctx.clone(), filter, limit);
    let rows = transaction::run(ctx, input, |conn, (ctx, filter, limit)| {
        Box::pin(async move {
            let which = stored(filter);
            let page = store::audit_log::page_across_businesses(conn, &which, i64::from(*limit));
            let rows = page.await?;
            if filter.before.is_none() {
                let entry = Entry::of(Action::AuditRead, ObjectKind::AuditLog);
                let entry = entry.business(filter.business).after(looked_for(filter));
                record(conn, ctx, entry).await?;
            }
            Ok::<_, StoreError>(rows)
        })
    })
    .await?;
    Ok(rows.into_iter().map(view).collect::<Result<_, _>>()?)
}

fn stored(filter: &LogFilter) -> EntryFilter {
    let until = filter.until.map(first_id);
    EntryFilter {
        action: filter.action.map(|action| action.as_str().to_owned()),
        actor_id: filter.actor,
        object_kind: filter.object_kind.map(|kind| kind.as_str().to_owned()),
        object_id: filter.object_id.clone(),
        business_id: filter.business.map(Into::into),
        from: filter.from.map(first_id),
        before: match (filter.before, until) {
            (Some(before), Some(until)) => Some(before.min(until)),
            (before, until) => before.or(until),
        },
    }
}

/// What was looked for, without what was left open.
fn looked_for(filter: &LogFilter) -> Value {
    let all = json!({
        "action": filter.action,
        "actor_id": filter.actor,
        "object_kind": filter.object_kind,
        "object_id": filter.object_id,
        "from": filter.from,
        "until": filter.until,
    });
    match all {
        Value::Object(members) => {
            let given = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.collect())
        }
        other => other,
    }
}

/// The least identifier of a moment: identifiers begin with their time in milliseconds. A part of a millisecond counts
/// as the whole, so that nothing written before `at` is taken for later.
fn first_id(at: DateTime<Utc>) -> Uuid {
    let whole = at + TimeDelta::nanoseconds(999_999);
    let millis = u128::try_from(whole.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128(millis.min(0xffff_ffff_ffff) << 80)
}

fn view(row: PlacedRow) -> Result<LogEntry, StoreError> {
    let PlacedRow { entry, sequence } = row;
    let json = |text: Option<String>| text.as_deref().map(serde_json::from_str).transpose();
    let decode = |error: serde_json::Error| StoreError(sqlx::Error::Decode(Box::new(error)));
    Ok(LogEntry {
        id: entry.id,
        sequence,
        recorded_at: entry.recorded_at,
        action: entry.action,
        actor_kind: known(&entry.actor_kind)?,
        actor_id: entry.actor_id,
        session_id: entry.session_id,
        roles: entry.roles,
        via: entry.via,
        request_id: entry.request_id,
        object_kind: entry.object_kind,
        object_id: entry.object_id,
        business: entry.business_id.map(Into::into),
        before: json(entry.before).map_err(decode)?,
        after: json(entry.after).map_err(decode)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_bound_a_span_of_time() {
        let at = DateTime::from_timestamp_millis(1_772_442_000_123).expect("a moment");
        let text = first_id(at).to_string();
        assert_eq!(text, "019cadc6-9afb-0000-0000-000000000000");
        assert!(first_id(at + TimeDelta::microseconds(1)) > first_id(at));
        assert_eq!(first_id(DateTime::<Utc>::MIN_UTC), Uuid::nil());
    }
}
