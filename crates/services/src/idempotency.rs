//! A request that moves points has its effect once: the answer is kept in the transaction that moved them and given
//! again, byte for byte, to whoever sends the same request under the same key.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use store::error::StoreError;
use store::idempotency_keys::{self, KeptAnswer, ScopedKey};
use uuid::Uuid;

/// The key of a request, with all that must be the same when it comes again.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// Who asks.
    pub principal: Uuid,
    /// What for: the operation's name.
    pub operation: &'static str,
    /// The caller's key.
    pub key: String,
    /// SHA-256 of the body as it came.
    pub body_sha256: [u8; 32],
}

/// An answer as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Where the new object is.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer, and whether it was given before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// Whether the effect happened at an earlier request.
    pub replayed: bool,
}

/// Why a key can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyError {
    /// The same request is being worked on at this moment.
    #[error("a request with this key is in flight")]
    InFlight,
    /// The key was used with another body.
    #[error("the key was used with another body")]
    OtherBody,
}

/// How a result becomes an answer. A plain function: the same result always gives the same bytes.
pub type Render<T> = fn(&T) -> Answer;

impl IdempotencyKey {
    /// The key of a request whose address names an object: the object counts as a part of the body.
    #[must_use]
    pub fn within(mut self, object: Uuid) -> Self {
        let mut whole = object.as_bytes().to_vec();
        whole.extend_from_slice(&self.body_sha256);
        self.body_sha256
            .copy_from_slice(digest::digest(&digest::SHA256, &whole).as_ref());
        self
    }

    /// The key as the table has it.
    #[must_use]
    pub fn scoped(&self) -> ScopedKey {
        (self.principal, self.operation.to_owned(), self.key.clone())
    }

    /// Whether a kept answer may be given to this request.
    ///
    /// # Errors
    /// [`IdempotencyError::OtherBody`].
    pub fn accept(&self, kept: KeptAnswer) -> Result<Answer, IdempotencyError> {
        if kept.body_hash != self.body_sha256 {
            return Err(IdempotencyError::OtherBody);
        }
        Ok(Answer {
            status: u16::try_from(kept.status).unwrap_or(200),
            location: kept.location,
            body: kept.response,
        })
    }

    /// The answer as the table keeps it.
    #[must_use]
    pub fn keep(&self, answer: &Answer) -> (ScopedKey, KeptAnswer) {
        let kept = KeptAnswer {
            body_hash: self.body_sha256.to_vec(),
            status: i16::try_from(answer.status).unwrap_or(200),
            location: answer.location.clone(),
            response: answer.body.clone(),
        };
        (self.scoped(), kept)
    }
}

/// Takes the key for this transaction and looks for an answer given before.
///
/// # Errors
/// `E` from [`IdempotencyError`] if the key can't be used, from [`StoreError`] if the database fails.
pub async fn begin<E>(conn: &mut PgConnection, key: &IdempotencyKey) -> Result<Option<Answer>, E>
where
    E: From<IdempotencyError> + From<StoreError>,
{
    let scoped = [key.scoped()];
    let taken = idempotency_keys::try_lock(conn, &scoped).await?;
    if taken != [true] {
        return Err(IdempotencyError::InFlight.into());
    }
    let mut kept = idempotency_keys::find(conn, &scoped).await?;
    let [scoped] = scoped;
    kept.remove(&scoped)
        .map(|kept| key.accept(kept))
        .transpose()
        .map_err(E::from)
}

/// Keeps the answer in the transaction that had the effect.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn finish(
    conn: &mut PgConnection,
    key: &IdempotencyKey,
    answer: &Answer,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    idempotency_keys::insert(conn, &[key.keep(answer)], now).await
}
