//! The key pairs that sign access tokens. A key is published before it signs (`next`), signs (`current`), and is
//! still published while tokens that it signed live (`retired`). One that was stolen is `revoked`: within seconds nothing
//! that it signed is worth anything.

mod pair;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use domain::signing_alg::SigningAlg;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::error::StoreError;
use store::signing_keys::SigningKeyRow;

pub(super) use self::pair::SigningPair;
use super::access_token::seen::SeenTokens;
use super::session_state::known;
use crate::audit_log::{self, Entry};
use crate::cache::MAX_AGE;
use crate::context::Context;
use crate::transaction;
use crate::vault::SealedField;

/// How long a key is published after it signed for the last time.
const RETIRED_FOR: TimeDelta = TimeDelta::hours(24);

/// How long a key is published before it signs, so that whoever keeps the published keys knows it.
const PUBLISHED_FOR: TimeDelta = TimeDelta::hours(24);

/// How young keys must be to be read anew for the sake of a key that is not among them.
const REREAD_AFTER: TimeDelta = TimeDelta::seconds(1);

/// A key pair as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyView {
    /// RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// The one algorithm that it is for.
    pub alg: String,
    /// `next`, `current`, `retired` or `revoked`.
    pub state: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its state last changed.
    pub changed_at: DateTime<Utc>,
}

/// Why the keys could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The system could not make a key.
    #[error("a signing key could not be made")]
    NotMade,
    /// What was given is no private RSA key (PKCS #8) of at least 2048 bits.
    #[error("not a private RSA key in PKCS #8 of at least 2048 bits")]
    NotAKey,
    /// The next key is not known to everybody yet.
    #[error(
        "the next key is published for less than 24 hours: whoever keeps the published keys may not know it; --now rotates all the same"
    )]
    NextTooYoung,
    /// There is no such key, or it was revoked before.
    #[error("there is no such key")]
    UnknownKey,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All keys, ready for use.
#[derive(Debug)]
pub struct Keyring {
    verifying: BTreeMap<String, VerifyingKey>,
    signing: Option<(String, Arc<SigningPair>)>,
    jwks: Value,
    seen: Arc<SeenTokens>,
}

/// A public key and the one algorithm that it is for.
pub(super) struct VerifyingKey {
    pub(super) alg: Algorithm,
    pub(super) key: DecodingKey,
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyingKey({:?})", self.alg)
    }
}

impl Keyring {
    /// The public key under this name.
    pub(super) fn verifying(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid)
    }

    /// The key that signs, with its name.
    pub(super) fn signing(&self) -> Option<(&str, &SigningPair)> {
        self.signing
            .as_ref()
            .map(|(kid, key)| (kid.as_str(), key.as_ref()))
    }

    /// The tokens that these keys were seen to have signed.
    pub(super) fn seen(&self) -> &SeenTokens {
        &self.seen
    }

    /// The public keys as they are published (RFC 7517).
    #[must_use]
    pub const fn jwks(&self) -> &Value {
        &self.jwks
    }
}

/// The keyring of this process and when it was read.
#[derive(Debug, Default)]
pub(crate) struct KeyringCache(Mutex<Option<(DateTime<Utc>, Arc<Keyring>)>>);

impl KeyringCache {
    fn last(&self) -> Option<(DateTime<Utc>, Arc<Keyring>)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set(&self, last: Option<(DateTime<Utc>, Arc<Keyring>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }
}

/// The keys, at most a few seconds old.
///
/// # Errors
/// If the database fails, or a key does not open under this master key.
pub async fn keyring(ctx: &Context) -> Result<Arc<Keyring>, StoreError> {
    let now = ctx.clock().now();
    let last = ctx.caches().keyring.last();
    if let Some((at, keyring)) = &last
        && *at <= now
        && now - *at < MAX_AGE
    {
        return Ok(keyring.clone());
    }
    // In a box: what is seldom done need not make the future of every request large.
    Box::pin(read(ctx, last.map(|(_, keyring)| keyring), now)).await
}

async fn read(
    ctx: &Context,
    last: Option<Arc<Keyring>>,
    now: DateTime<Utc>,
) -> Result<Arc<Keyring>, StoreError> {
    let mut conn = ctx.reader().await?;
    let rows = store::signing_keys::list(&mut conn).await;
    let rows = conn.done(rows)?;
    let keyring = Arc::new(build(ctx, &rows, last)?);
    ctx.caches().keyring.set(Some((now, keyring.clone())));
    Ok(keyring)
}

/// The keys read anew, if those that are kept are older than a moment: a key that is not among them may have been made
/// meanwhile. `None`: they are as new as they can be.
pub(super) async fn newer(ctx: &Context) -> Result<Option<Arc<Keyring>>, StoreError> {
    let now = ctx.clock().now();
    match ctx.caches().keyring.last() {
        Some((at, _)) if at <= now && now - at < REREAD_AFTER => Ok(None),
        last => {
            let keyring = Box::pin(read(ctx, last.map(|(_, keyring)| keyring), now)).await?;
            Ok(Some(keyring))
        }
    }
}

/// The public keys as they are published (RFC 7517).
///
/// # Errors
/// If the database fails.
pub async fn jwks(ctx: &Context) -> Result<Value, StoreError> {
    Ok(keyring(ctx).await?.jwks().clone())
}

/// Joins the rows. The private key is opened and checked once, not at every reading.
fn build(
    ctx: &Context,
    rows: &[SigningKeyRow],
    last: Option<Arc<Keyring>>,
) -> Result<Keyring, StoreError> {
    let broken =
        |what: &str| StoreError(sqlx::Error::Decode(format!("a signing key {what}").into()));
    let rows: Vec<&SigningKeyRow> = rows.iter().filter(|row| row.state != "revoked").collect();
    let jwks = json!({ "keys": rows.iter().map(|row| &row.public_jwk).collect::<Vec<_>>() });
    // Other keys, and nothing is known of any token.
    let unchanged = last.as_ref().filter(|last| last.jwks == jwks);
    let mut keyring = Keyring {
        verifying: BTreeMap::new(),
        signing: None,
        seen: unchanged.map_or_else(Arc::default, |last| last.seen.clone()),
        jwks,
    };
    for row in rows {
        let alg = known::<SigningAlg>(&row.alg)?;
        let key =
            pair::decoding_key(alg, &row.public_jwk).ok_or_else(|| broken("can't be read"))?;
        let alg = pair::algorithm(alg);
        keyring
            .verifying
            .insert(row.kid.clone(), VerifyingKey { alg, key });
        if row.state != "current" {
            continue;
        }
        let same = last
            .as_ref()
            .and_then(|last| last.signing.clone())
            .filter(|(kid, _)| *kid == row.kid);
        keyring.signing = Some(match same {
            Some(signing) => signing,
            None => {
                let private = ctx
                    .vault()
                    .open(
                        SealedField::SigningKey,
                        row.kid.as_bytes(),
                        &row.private_sealed,
                    )
                    .map_err(|_| broken("does not open with this master key"))?;
                let alg = known::<SigningAlg>(&row.alg)?;
                let pair =
                    SigningPair::from_pkcs8(alg, &private).map_err(|_| broken("can't be read"))?;
                (row.kid.clone(), Arc::new(pair))
            }
        });
    }
    Ok(keyring)
}

/// All keys, oldest first.
///
/// # Errors
/// If the database fails.
pub async fn list(ctx: &Context) -> Result<Vec<SigningKeyView>, StoreError> {
    let rows = store::signing_keys::list(&mut *ctx.connection().await?).await?;
    Ok(rows
        .into_iter()
        .map(|row| SigningKeyView {
            kid: row.kid,
            alg: row.alg,
            state: row.state,
            created_at: row.created_at,
            changed_at: row.changed_at,
        })
        .collect())
}

/// At start: makes the key that signs and the one after it, where they are missing. One that is to sign next and is for
/// another algorithm than is configured now gives way: it has signed nothing.
///
/// # Errors
/// See [`SigningKeyError`].
pub async fn ensure(ctx: &Context) -> Result<(), SigningKeyError> {
    let wanted = ctx.config().signing_alg;
    let have = list(ctx).await?;
    for state in ["current", "next"] {
        let found = have.iter().find(|key| key.state == state);
        match found {
            Some(key) if state == "next" && key.alg != wanted.as_str() => {
                replace(ctx, &key.kid).await?;
            }
            Some(_) => {}
            None => {
                add(ctx, generate(wanted).await?, state).await?;
            }
        }
    }
    Ok(())
}

/// Takes in a private RSA key (PKCS #8) as the one that signs, if there is none yet; answers whether it was taken.
///
/// # Errors
/// See [`SigningKeyError`].
pub async fn import(ctx: &Context, pkcs8: &[u8]) -> Result<bool, SigningKeyError> {
    let pair = SigningPair::from_pkcs8(SigningAlg::Rs256, pkcs8)?;
    add(ctx, pair, "current").await
}

/// Whether a rotation waits until everybody knows the next key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// The next key must have been published for a day.
    WhenKnown,
    /// At once.
    Now,
}

/// The key after this one signs from now on; a new one is published after it; one that was retired a day ago is
/// dropped. Tokens that live stay valid.
///
/// # Errors
/// See [`SigningKeyError`].
pub async fn rotate(ctx: &Context, haste: Haste) -> Result<Vec<SigningKeyView>, SigningKeyError> {
    ensure(ctx).await?;
    let known_since = ctx.clock().now() - PUBLISHED_FOR;
    let young = |key: &SigningKeyView| key.state == "next" && key.created_at > known_since;
    if haste == Haste::WhenKnown && list(ctx).await?.iter().any(young) {
        return Err(SigningKeyError::NextTooYoung);
    }
    let fresh = row(ctx, &generate(ctx.config().signing_alg).await?, "next")?;
    transaction::run(ctx, (ctx.clone(), fresh), |conn, (ctx, fresh)| {
        Box::pin(async move {
            rotate_rows(conn, fresh, ctx.clock().now()).await?;
            let entry = Entry::of(Action::SigningKeyRotate, ObjectKind::SigningKey).id(&fresh.kid);
            audit_log::record(conn, ctx, entry.after(json!({ "state": fresh.state }))).await
        })
    })
    .await?;
    ctx.caches().keyring.set(None);
    Ok(list(ctx).await?)
}

async fn rotate_rows(
    conn: &mut PgConnection,
    fresh: &SigningKeyRow,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    store::signing_keys::lock(conn).await?;
    store::signing_keys::delete_over(conn, now - RETIRED_FOR).await?;
    store::signing_keys::change_state(conn, "current", "retired", now).await?;
    store::signing_keys::change_state(conn, "next", "current", now).await?;
    store::signing_keys::insert(conn, fresh).await?;
    Ok(())
}

/// Drops the keys that nothing valid can be signed with any more.
///
/// # Errors
/// If the database fails.
pub async fn drop_over(ctx: &Context) -> Result<u64, StoreError> {
    let before = ctx.clock().now() - RETIRED_FOR;
    store::signing_keys::delete_over(&mut *ctx.connection().await?, before).await
}

/// Takes a key out of use at once: what it signed is refused, by this process now and by others within seconds. If it is
/// the one that signs, the next one does from now on. Whoever holds a token of it renews it.
///
/// # Errors
/// See [`SigningKeyError`].
pub async fn revoke(ctx: &Context, kid: &str) -> Result<Vec<SigningKeyView>, SigningKeyError> {
    replace(ctx, kid).await?;
    tracing::warn!(kid, "a signing key was revoked");
    Ok(list(ctx).await?)
}

/// Revokes a key and puts another in its place.
async fn replace(ctx: &Context, kid: &str) -> Result<(), SigningKeyError> {
    let fresh = row(ctx, &generate(ctx.config().signing_alg).await?, "next")?;
    let input = (ctx.clone(), fresh, kid.to_owned());
    let found = transaction::run(ctx, input, |conn, (ctx, fresh, kid)| {
        Box::pin(async move {
            let found = revoke_row(conn, fresh, kid, ctx.clock().now()).await?;
            if found {
                let entry = Entry::of(Action::SigningKeyRevoke, ObjectKind::SigningKey).id(kid);
                audit_log::record(conn, ctx, entry).await?;
            }
            Ok::<_, StoreError>(found)
        })
    });
    let found = found.await?;
    ctx.caches().keyring.set(None);
    if found {
        Ok(())
    } else {
        Err(SigningKeyError::UnknownKey)
    }
}

async fn revoke_row(
    conn: &mut PgConnection,
    fresh: &SigningKeyRow,
    kid: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    store::signing_keys::lock(conn).await?;
    let Some(was) = store::signing_keys::revoke(conn, kid, now).await? else {
        return Ok(false);
    };
    if was == "current" {
        store::signing_keys::change_state(conn, "next", "current", now).await?;
    }
    if was != "retired" {
        store::signing_keys::insert(conn, fresh).await?;
    }
    Ok(true)
}

/// Making a key takes the processor for a second or more.
async fn generate(alg: SigningAlg) -> Result<SigningPair, SigningKeyError> {
    tokio::task::spawn_blocking(move || SigningPair::generate(alg))
        .await
        .map_err(|_| SigningKeyError::NotMade)?
}

async fn add(ctx: &Context, pair: SigningPair, state: &str) -> Result<bool, SigningKeyError> {
    let row = row(ctx, &pair, state)?;
    let taken = transaction::run(ctx, (ctx.clone(), row), |conn, (ctx, row)| {
        Box::pin(async move {
            store::signing_keys::lock(conn).await?;
            let taken = store::signing_keys::insert(conn, row).await?;
            if taken {
                let entry = Entry::of(Action::SigningKeyAdd, ObjectKind::SigningKey).id(&row.kid);
                let entry = entry.after(json!({ "state": row.state, "alg": row.alg }));
                audit_log::record(conn, ctx, entry).await?;
            }
            Ok::<_, StoreError>(taken)
        })
    })
    .await?;
    ctx.caches().keyring.set(None);
    Ok(taken)
}

fn row(ctx: &Context, pair: &SigningPair, state: &str) -> Result<SigningKeyRow, SigningKeyError> {
    let now = ctx.clock().now();
    let (kid, public_jwk) = pair.public_jwk();
    let private = pair.to_pkcs8()?;
    Ok(SigningKeyRow {
        private_sealed: ctx
            .vault()
            .seal(SealedField::SigningKey, kid.as_bytes(), &private),
        kid,
        alg: pair.alg().as_str().to_owned(),
        state: state.to_owned(),
        public_jwk,
        created_at: now,
        changed_at: now,
    })
}

/// A keyring of one key, for tests of what uses it.
#[cfg(test)]
pub(super) fn keyring_of(pair: SigningPair) -> (Keyring, Value) {
    let (kid, jwk) = pair.public_jwk();
    let key = VerifyingKey {
        alg: pair::algorithm(pair.alg()),
        key: pair::decoding_key(pair.alg(), &jwk).unwrap(),
    };
    let keyring = Keyring {
        verifying: BTreeMap::from([(kid.clone(), key)]),
        signing: Some((kid, Arc::new(pair))),
        jwks: json!({ "keys": [jwk.clone()] }),
        seen: Arc::default(),
    };
    (keyring, jwk)
}

#[cfg(test)]
pub(super) use self::pair::small_rsa;
