//! Table `development_outbox`: messages that development shows and does not send.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A message as it is stored.
#[derive(Debug)]
pub struct MessageRow {
    /// Identifier.
    pub id: Uuid,
    /// `sms`.
    pub channel: String,
    /// The keyed hash of the recipient's phone.
    pub recipient_hash: Vec<u8>,
    /// The recipient's phone, its middle hidden.
    pub recipient_masked: String,
    /// The text, sealed.
    pub text_sealed: Vec<u8>,
    /// When it would have been sent.
    pub created_at: DateTime<Utc>,
}

/// Adds a message.
///
/// # Errors
/// If the database fails.
pub async fn insert(conn: &mut PgConnection, row: &MessageRow) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into development_outbox (id, channel, recipient_hash, recipient_masked, text_sealed, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        row.id,
        row.channel,
        row.recipient_hash,
        row.recipient_masked,
        row.text_sealed,
        row.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The messages, newest first; only one recipient's if a hash is given.
///
/// # Errors
/// If the database fails.
pub async fn list(
    conn: &mut PgConnection,
    recipient_hash: Option<&[u8]>,
    limit: i64,
) -> Result<Vec<MessageRow>, StoreError> {
    Ok(sqlx::query_as!(
        MessageRow,
        "select id, channel, recipient_hash, recipient_masked, text_sealed, created_at
         from development_outbox where ($1::bytea is null or recipient_hash = $1)
         order by id desc limit $2",
        recipient_hash,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Deletes messages from before `before`; answers with their number.
///
/// # Errors
/// If the database fails.
pub async fn delete_before(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from development_outbox where created_at < $1",
        before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
