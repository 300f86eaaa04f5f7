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
