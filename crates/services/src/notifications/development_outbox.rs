//! What would have been sent: so that somebody who tries the product out can read his code.

use chrono::{DateTime, Utc};
use domain::phone::Phone;
use sqlx::PgConnection;
use store::development_outbox::MessageRow;
use store::error::StoreError;
use uuid::Uuid;

use crate::context::Context;
use crate::vault::SealedField;

/// A message that was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevelopmentMessage {
    /// Identifier.
    pub id: Uuid,
    /// `sms`.
    pub channel: String,
    /// The recipient's phone, its middle hidden.
    pub recipient: String,
    /// The text.
    pub text: String,
    /// When it would have been sent.
    pub created_at: DateTime<Utc>,
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentOutboxError {
    /// There is no such outbox outside development.
    #[error("there is no development outbox here")]
    NotDevelopment,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The newest messages, newest first, at most `limit` and a hundred; only those to `phone`, if one is given.
///
/// # Errors
/// [`DevelopmentOutboxError::NotDevelopment`] in production.
pub async fn list(
    ctx: &Context,
    phone: Option<&Phone>,
    limit: u8,
) -> Result<Vec<DevelopmentMessage>, DevelopmentOutboxError> {
    if !ctx.config().development {
        return Err(DevelopmentOutboxError::NotDevelopment);
    }
    let hash = phone.map(|phone| ctx.vault().phone_hash(phone));
    let limit = i64::from(limit.min(100));
    let rows =
        store::development_outbox::list(&mut *ctx.connection().await?, hash.as_deref(), limit)
            .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            // What another master key sealed is nothing that could be shown.
            let text = ctx
                .vault()
                .open_text(SealedField::OutboxText, row.id.as_bytes(), &row.text_sealed)
                .ok()?;
            Some(DevelopmentMessage {
                id: row.id,
                channel: row.channel,
                recipient: row.recipient_masked,
                text,
                created_at: row.created_at,
            })
        })
        .collect())
}

/// Keeps a text message, in the caller's transaction.
pub(super) async fn keep(
    conn: &mut PgConnection,
    ctx: &Context,
    phone: &Phone,
    text: &str,
) -> Result<(), StoreError> {
    let id = ctx.ids().uuid();
    let row = MessageRow {
        id,
        channel: "sms".to_owned(),
        recipient_hash: ctx.vault().phone_hash(phone),
        recipient_masked: phone.masked(),
        text_sealed: ctx
            .vault()
            .seal(SealedField::OutboxText, id.as_bytes(), text.as_bytes()),
        created_at: ctx.clock().now(),
    };
    store::development_outbox::insert(conn, &row).await
}
