//! Tables `audit_chain`, the seals of the audit log in the order in which entries were seen, and `audit_unsealed`, the
//! entries that wait for theirs. What a hash is over is the service's matter.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit_log::EntryRow;
use crate::error::StoreError;

/// Chains are written one at a time; the two-integer form is not the job queue's.
const CHAIN_LOCK: (i32, i32) = (7_120_115, 2);

/// A link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// Its place, from 1 without a gap.
    pub sequence: i64,
    /// The entry that it seals.
    pub entry_id: Uuid,
    /// The hash of the link before it; zeros for the first.
    pub previous_hash: Vec<u8>,
    /// Its hash.
    pub hash: Vec<u8>,
    /// When it was made.
    pub sealed_at: DateTime<Utc>,
}

/// What waits for its seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many entries.
    pub entries: i64,
    /// When the oldest of them was written.
    pub oldest: Option<DateTime<Utc>>,
}

/// Takes the right to write the chain until the transaction ends; false if another has it.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn try_lock(conn: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock($1, $2) as "taken!""#,
        CHAIN_LOCK.0,
        CHAIN_LOCK.1
    )
    .fetch_one(conn)
    .await?)
}

/// The last link, if there is one.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn head(conn: &mut PgConnection) -> Result<Option<LinkRow>, StoreError> {
    Ok(sqlx::query_as!(
        LinkRow,
        "select sequence, entry_id, previous_hash, hash, sealed_at from audit_chain order by sequence desc limit 1",
    )
    .fetch_optional(conn)
    .await?)
}

/// Entries that wait for their seal, about in the order of their writing. One that is gone is left out.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn unsealed(conn: &mut PgConnection, limit: i64) -> Result<Vec<EntryRow>, StoreError> {
    Ok(sqlx::query_as!(
        EntryRow,
        r#"select l.id, l.recorded_at, l.action, l.actor_kind, l.actor_id, l.session_id, l.roles, l.via, l.request_id,
                  l.object_kind, l.object_id, l.business_id, l.before::text as before, l.after::text as after
           from audit_unsealed u join audit_log l on l.id = u.entry_id
           order by u.entry_id limit $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Adds links; their entries wait no longer.
///
/// # Errors
/// [`StoreError`] from the database; a constraint refuses a second chain beside the first.
pub async fn append(conn: &mut PgConnection, links: &[LinkRow]) -> Result<(), StoreError> {
    let sequences: Vec<i64> = links.iter().map(|link| link.sequence).collect();
    let entries: Vec<Uuid> = links.iter().map(|link| link.entry_id).collect();
    let previous: Vec<Vec<u8>> = links.iter().map(|l| l.previous_hash.clone()).collect();
    let hashes: Vec<Vec<u8>> = links.iter().map(|link| link.hash.clone()).collect();
    let sealed: Vec<DateTime<Utc>> = links.iter().map(|link| link.sealed_at).collect();
    sqlx::query!(
        r#"with sealed as (
               insert into audit_chain (sequence, entry_id, previous_hash, hash, sealed_at)
               select * from unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::timestamptz[])
               returning entry_id
           )
           delete from audit_unsealed u using sealed s where u.entry_id = s.entry_id"#,
        &sequences,
        &entries,
        &previous,
        &hashes,
        &sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What waits for its seal.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn waiting(conn: &mut PgConnection) -> Result<Waiting, StoreError> {
    Ok(sqlx::query_as!(
        Waiting,
        r#"select count(*) as "entries!", min(recorded_at) as oldest from audit_unsealed"#
    )
    .fetch_one(conn)
    .await?)
}

/// A link and its entry, if that is there, after a place in the chain.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn after(
    conn: &mut PgConnection,
    sequence: i64,
    limit: i64,
) -> Result<Vec<(LinkRow, Option<EntryRow>)>, StoreError> {
    let rows = sqlx::query!(
        r#"select c.sequence, c.entry_id, c.previous_hash, c.hash, c.sealed_at,
                  l.id as "id?", l.recorded_at as "recorded_at?", l.action as "action?",
                  l.actor_kind as "actor_kind?", l.actor_id, l.session_id, l.roles as "roles?", l.via, l.request_id,
                  l.object_kind as "object_kind?", l.object_id, l.business_id,
                  l.before::text as before, l.after::text as after
           from audit_chain c left join audit_log l on l.id = c.entry_id
           where c.sequence > $1 order by c.sequence limit $2"#,
        sequence,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let entry = row.id.map(|id| EntryRow {
                id,
                recorded_at: row.recorded_at.unwrap_or_default(),
                action: row.action.unwrap_or_default(),
                actor_kind: row.actor_kind.unwrap_or_default(),
                actor_id: row.actor_id,
                session_id: row.session_id,
                roles: row.roles.unwrap_or_default(),
                via: row.via,
                request_id: row.request_id,
                object_kind: row.object_kind.unwrap_or_default(),
                object_id: row.object_id,
                business_id: row.business_id,
                before: row.before,
                after: row.after,
            });
            let link = LinkRow {
                sequence: row.sequence,
                entry_id: row.entry_id,
                previous_hash: row.previous_hash,
                hash: row.hash,
                sealed_at: row.sealed_at,
            };
            (link, entry)
        })
        .collect())
}

/// Entries that are neither sealed nor waiting: how many there are, and the first of them.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn slipped_in(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<(i64, Vec<Uuid>), StoreError> {
    let rows = sqlx::query!(
        r#"select l.id, count(*) over () as "total!"
           from audit_log l
           where not exists (select from audit_chain c where c.entry_id = l.id)
             and not exists (select from audit_unsealed u where u.entry_id = l.id)
           order by l.id limit $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((total, rows.into_iter().map(|row| row.id).collect()))
}

/// Entries that wait for their seal and are gone: how many there are, and the first of them.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn lost(conn: &mut PgConnection, limit: i64) -> Result<(i64, Vec<Uuid>), StoreError> {
    let rows = sqlx::query!(
        r#"select u.entry_id, count(*) over () as "total!"
           from audit_unsealed u
           where not exists (select from audit_log l where l.id = u.entry_id)
           order by u.entry_id limit $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((total, rows.into_iter().map(|row| row.entry_id).collect()))
}

/// The hashes at these places, where there are links.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn hashes_at(
    conn: &mut PgConnection,
    sequences: &[i64],
) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let rows = sqlx::query!(
        "select sequence, hash from audit_chain where sequence = any($1)",
        sequences
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.sequence, row.hash))
        .collect())
}
