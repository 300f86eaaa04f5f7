//! A request that moves points has its effect once: the answer is kept in the transaction that moved them and given
//! again, byte for byte, to whoever sends the same request under the same key.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use store::error::StoreError;
use store::kept_answers::{self, KeptAnswer, KeptContent};
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

    /// The key as the table has it: the first sixteen bytes of SHA-256 over principal, operation and key.
    #[must_use]
    pub fn digest(&self) -> Uuid {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(self.principal.as_bytes());
        hash.update(self.operation.as_bytes());
        hash.update(b"\n");
        hash.update(self.key.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finish().as_ref()[..16]);
        Uuid::from_bytes(bytes)
    }

    /// Whether a kept answer may be given to this request.
    ///
    /// # Errors
    /// [`IdempotencyError::OtherBody`].
    pub fn accept(&self, kept: &KeptAnswer) -> Result<(), IdempotencyError> {
        if kept.body_hash == self.body_sha256 {
            Ok(())
        } else {
            Err(IdempotencyError::OtherBody)
        }
    }

    /// The answer as the table keeps it.
    #[must_use]
    pub fn keep(&self, answer: &Answer) -> (Uuid, KeptAnswer) {
        let content = KeptContent::Bytes {
            location: answer.location.clone(),
            body: answer.body.clone(),
        };
        self.kept(answer, content)
    }

    /// The answer to a posted purchase as the table keeps it: the same answer is made again from the purchase's row.
    #[must_use]
    pub fn keep_purchase(&self, answer: &Answer, purchase: Uuid) -> (Uuid, KeptAnswer) {
        self.kept(answer, KeptContent::Purchase(purchase))
    }

    fn kept(&self, answer: &Answer, content: KeptContent) -> (Uuid, KeptAnswer) {
        let kept = KeptAnswer {
            body_hash: self.body_sha256.to_vec(),
            status: i16::try_from(answer.status).unwrap_or(200),
            content,
        };
        (self.digest(), kept)
    }
}

impl Answer {
    /// An answer that was kept byte for byte; none if it is to be made again from a purchase.
    #[must_use]
    pub fn of_kept(kept: KeptAnswer) -> Option<Self> {
        match kept.content {
            KeptContent::Purchase(_) => None,
            KeptContent::Bytes { location, body } => Some(Self {
                status: u16::try_from(kept.status).unwrap_or(200),
                location,
                body,
            }),
        }
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
    let digest = key.digest();
    if !kept_answers::try_lock(conn, digest).await? {
        return Err(IdempotencyError::InFlight.into());
    }
    let mut kept = kept_answers::find(conn, &[digest]).await?;
    let Some(kept) = kept.remove(&digest) else {
        return Ok(None);
    };
    key.accept(&kept)?;
    // Operations that begin here keep their answers whole.
    Ok(Answer::of_kept(kept))
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
    kept_answers::insert(conn, &[key.keep(answer)], now).await
}
