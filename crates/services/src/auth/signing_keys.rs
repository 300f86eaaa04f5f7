//! The key pairs that sign access tokens. A key is published before it signs (`next`), signs (`current`), and is
//! still published while tokens that it signed live (`retired`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::error::StoreError;
use store::signing_keys::SigningKeyRow;

use super::access_token::seen::SeenTokens;
use crate::audit_log::{self, Entry};
use crate::cache::MAX_AGE;
use crate::context::Context;
use crate::transaction;
use crate::vault::SealedField;

/// How long a key is published after it signed for the last time.
const RETIRED_FOR: TimeDelta = TimeDelta::hours(24);

/// The smallest modulus, in bytes, of a key that is taken in.
const SMALLEST_MODULUS: usize = 256;

/// A key pair as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyView {
    /// RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// The one algorithm that it is for.
    pub alg: String,
    /// `next`, `current` or `retired`.
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
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All keys, ready for use.
#[derive(Debug)]
pub struct Keyring {
    verifying: BTreeMap<String, VerifyingKey>,
    signing: Option<(String, Arc<RsaKeyPair>)>,
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
    pub(super) fn signing(&self) -> Option<(&str, &RsaKeyPair)> {
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

    fn set(&self, last: Option<(DateTime<Utc>, Arc<Keyring>)>) {
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
    let jwks = json!({ "keys": rows.iter().map(|row| &row.public_jwk).collect::<Vec<_>>() });
    // Other keys, and nothing is known of any token.
    let same = last.as_ref().filter(|last| last.jwks == jwks);
    let mut keyring = Keyring {
        verifying: BTreeMap::new(),
        signing: None,
        seen: same.map_or_else(Arc::default, |last| last.seen.clone()),
        jwks,
    };
    for row in rows {
        let part = |name: &str| {
            row.public_jwk
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let key = DecodingKey::from_rsa_components(part("n"), part("e"))
            .map_err(|_| broken("can't be read"))?;
        let alg = match row.alg.as_str() {
            "RS256" => Algorithm::RS256,
            _ => return Err(broken("is for an algorithm that is not known")),
        };
        keyring
            .verifying
            .insert(row.kid.clone(), VerifyingKey { alg, key });
        if row.state != "current" {
            continue;
        }
        let known = last
            .as_ref()
            .and_then(|last| last.signing.clone())
            .filter(|(kid, _)| *kid == row.kid);
        keyring.signing = Some(match known {
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
                let pair = RsaKeyPair::from_pkcs8(&private).map_err(|_| broken("can't be read"))?;
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

/// At start: makes the key that signs and the one after it, where they are missing.
///
/// # Errors
/// See [`SigningKeyError`].
pub async fn ensure(ctx: &Context) -> Result<(), SigningKeyError> {
    let have = list(ctx).await?;
    for state in ["current", "next"] {
        if !have.iter().any(|key| key.state == state) {
            let pair = generate().await?;
            add(ctx, pair, state).await?;
        }
    }
    Ok(())
}

/// Takes in a private key (PKCS #8) as the one that signs, if there is none yet; answers whether it was taken.
///
/// # Errors
/// See [`SigningKeyError`].
pub async fn import(ctx: &Context, pkcs8: &[u8]) -> Result<bool, SigningKeyError> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| SigningKeyError::NotAKey)?;
    if pair.public_modulus_len() < SMALLEST_MODULUS {
        return Err(SigningKeyError::NotAKey);
    }
    add(ctx, pair, "current").await
}

/// The key after this one signs from now on; a new one is published after it; one that was retired a day ago is
/// dropped. Tokens that live stay valid.
///
/// # Errors
/// See [`SigningKeyError`].
pub async fn rotate(ctx: &Context) -> Result<Vec<SigningKeyView>, SigningKeyError> {
    ensure(ctx).await?;
    let fresh = row(ctx, &generate().await?, "next")?;
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
    store::signing_keys::delete_retired(conn, now - RETIRED_FOR).await?;
    store::signing_keys::change_state(conn, "current", "retired", now).await?;
    store::signing_keys::change_state(conn, "next", "current", now).await?;
    store::signing_keys::insert(conn, fresh).await?;
    Ok(())
}

/// Making a key takes the processor for a second or more.
async fn generate() -> Result<RsaKeyPair, SigningKeyError> {
    tokio::task::spawn_blocking(|| RsaKeyPair::generate(KeySize::Rsa3072))
        .await
        .map_err(|_| SigningKeyError::NotMade)?
        .map_err(|_| SigningKeyError::NotMade)
}

async fn add(ctx: &Context, pair: RsaKeyPair, state: &str) -> Result<bool, SigningKeyError> {
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

fn row(ctx: &Context, pair: &RsaKeyPair, state: &str) -> Result<SigningKeyRow, SigningKeyError> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    let private: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SigningKeyError::NotAKey)?;
    let now = ctx.clock().now();
    let (kid, public_jwk) = public_jwk(pair);
    Ok(SigningKeyRow {
        private_sealed: ctx
            .vault()
            .seal(SealedField::SigningKey, kid.as_bytes(), private.as_ref()),
        kid,
        alg: "RS256".to_owned(),
        state: state.to_owned(),
        public_jwk,
        created_at: now,
        changed_at: now,
    })
}

/// The thumbprint (RFC 7638: SHA-256 over the members that make the key, in order, without spaces) and the key.
fn public_jwk(pair: &RsaKeyPair) -> (String, Value) {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let (n, e) = (
        URL_SAFE_NO_PAD.encode(&public.n),
        URL_SAFE_NO_PAD.encode(&public.e),
    );
    let members = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    let kid = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes()));
    let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e });
    (kid, jwk)
}

/// A keyring of one key, for tests of what uses it.
#[cfg(test)]
pub(super) fn keyring_of(pair: RsaKeyPair) -> (Keyring, Value) {
    let (kid, jwk) = public_jwk(&pair);
    let part = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let key = DecodingKey::from_rsa_components(&part("n"), &part("e")).unwrap();
    let keyring = Keyring {
        verifying: BTreeMap::from([(
            kid.clone(),
            VerifyingKey {
                alg: Algorithm::RS256,
                key,
            },
        )]),
        signing: Some((kid, Arc::new(pair))),
        jwks: json!({ "keys": [jwk.clone()] }),
        seen: Arc::default(),
    };
    (keyring, jwk)
}
