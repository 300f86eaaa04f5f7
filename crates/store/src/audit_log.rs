//! Table `audit_log`: what was done, by whom, to what. Append-only. An entry that is written waits in `audit_unsealed`
//! for its place in the chain.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Identifier; later entries of one process have greater ones.
    pub id: Uuid,
    /// When it was written.
    pub recorded_at: DateTime<Utc>,
    /// `domain::audit::Action`.
    pub action: String,
    /// `domain::audit::ActorKind`.
    pub actor_kind: String,
    /// The member or the integration key.
    pub actor_id: Option<Uuid>,
    /// The sign-in.
    pub session_id: Option<Uuid>,
    /// What the actor could do at that moment: roles or scopes.
    pub roles: Vec<String>,
    /// The way in: method and pattern of the address, or the command.
    pub via: Option<String>,
    /// The name of the request.
    pub request_id: Option<String>,
    /// `domain::audit::ObjectKind`.
    pub object_kind: String,
    /// Which one.
    pub object_id: Option<String>,
    /// The business concerned.
    pub business_id: Option<Uuid>,
    /// What was, as JSON.
    pub before: Option<String>,
    /// What is now, as JSON.
    pub after: Option<String>,
}

/// Writes an entry, which then waits for its seal.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(conn: &mut PgConnection, row: &EntryRow) -> Result<(), StoreError> {
    sqlx::query!(
        r#"with entry as (
               insert into audit_log (id, recorded_at, action, actor_kind, actor_id, session_id, roles, via, request_id,
                                      object_kind, object_id, business_id, before, after)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::json, $14::text::json)
               returning id, recorded_at
           )
           insert into audit_unsealed (entry_id, recorded_at) select id, recorded_at from entry"#,
        row.id,
        row.recorded_at,
        row.action,
        row.actor_kind,
        row.actor_id,
        row.session_id,
        &row.roles,
        row.via,
        row.request_id,
        row.object_kind,
        row.object_id,
        row.business_id,
        row.before,
        row.after,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which entries to show; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Only this action.
    pub action: Option<String>,
    /// Only what this member or key did.
    pub actor_id: Option<Uuid>,
    /// Only what was done to objects of this kind.
    pub object_kind: Option<String>,
    /// Only what was done to this object.
    pub object_id: Option<String>,
    /// Only what concerns this business.
    pub business_id: Option<Uuid>,
    /// Only entries with a greater identifier or this one.
    pub from: Option<Uuid>,
    /// Only entries with a lesser identifier.
    pub before: Option<Uuid>,
}

/// An entry and its place in the chain, once it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRow {
    /// The entry.
    pub entry: EntryRow,
    /// Its place in the chain.
    pub sequence: Option<i64>,
}

/// A page of entries, newest first.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page_across_businesses(
    conn: &mut PgConnection,
    filter: &EntryFilter,
    limit: i64,
) -> Result<Vec<PlacedRow>, StoreError> {
    let rows = sqlx::query!(
        r#"select l.id, l.recorded_at, l.action, l.actor_kind, l.actor_id, l.session_id, l.roles, l.via, l.request_id,
                  l.object_kind, l.object_id, l.business_id, l.before::text as before, l.after::text as after,
                  c.sequence as "sequence?"
           from audit_log l left join audit_chain c on c.entry_id = l.id
           where ($1::text is null or l.action = $1)
             and ($2::uuid is null or l.actor_id = $2)
             and ($3::text is null or l.object_kind = $3)
             and ($4::text is null or l.object_id = $4)
             and ($5::uuid is null or l.business_id = $5)
             and ($6::uuid is null or l.id >= $6)
             and ($7::uuid is null or l.id < $7)
           order by l.id desc limit $8"#,
        filter.action,
        filter.actor_id,
        filter.object_kind,
        filter.object_id,
        filter.business_id,
        filter.from,
        filter.before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PlacedRow {
            sequence: row.sequence,
            entry: EntryRow {
                id: row.id,
                recorded_at: row.recorded_at,
                action: row.action,
                actor_kind: row.actor_kind,
                actor_id: row.actor_id,
                session_id: row.session_id,
                roles: row.roles,
                via: row.via,
                request_id: row.request_id,
                object_kind: row.object_kind,
                object_id: row.object_id,
                business_id: row.business_id,
                before: row.before,
                after: row.after,
            },
        })
        .collect())
}
