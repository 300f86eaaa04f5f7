//! Integration keys of tills and CRMs: `ock_` and 256 random bits, shown once, kept as a hash. A business may have
//! several at a time, so that one can be replaced without a pause.

use std::sync::{Arc, PoisonError};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{BusinessId, KeyId, LocationId, MemberId};
use domain::rights::{Scope, StaffRole};
use domain::text::Text;
use serde_json::json;
use store::error::StoreError;
use store::integration_keys::KeyRow;

use super::AuthError;
use super::session_state::known;
use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, KeyCaller, StaffCaller};
use crate::context::Context;
use crate::ids::random_bytes;
use crate::transaction;

/// What every key begins with.
pub const PREFIX: &str = "ock_";

/// Characters of a key that may be shown.
const SHOWN: usize = 12;

/// Characters of a whole key.
const LENGTH: usize = PREFIX.len() + 43;

/// A key that is worth something, as the cache keeps it.
#[derive(Debug)]
pub(crate) struct VerifiedKey {
    pub(crate) caller: KeyCaller,
    expires_at: Option<DateTime<Utc>>,
}

/// A key as its business sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationKey {
    /// Identifier.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// The beginning of the secret.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Only for this location, if given.
    pub location: Option<LocationId>,
    /// Who made it, if a person did.
    pub created_by: Option<MemberId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is worth nothing.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A new key with its secret, which is not shown again.
#[derive(Clone, PartialEq, Eq)]
pub struct NewIntegrationKey {
    /// The key.
    pub key: IntegrationKey,
    /// The secret.
    pub secret: String,
}

impl std::fmt::Debug for NewIntegrationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewIntegrationKey")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The key to be made.
#[derive(Clone, Debug)]
pub struct CreateIntegrationKey {
    /// What people call it.
    pub name: Text<100>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Only for this location, if given.
    pub location: Option<LocationId>,
    /// From when on it is worth nothing, if ever.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why keys were not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum IntegrationKeyError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The business has no such key, or it was revoked before.
    #[error("there is no such key")]
    UnknownKey,
    /// The business has no such location.
    #[error("there is no such location")]
    UnknownLocation,
    /// A key that may do nothing.
    #[error("a key needs at least one scope")]
    NoScopes,
    /// A key that is worth nothing from the start.
    #[error("a key must expire in the future")]
    ExpiresInThePast,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a key for a business; its owner may.
///
/// # Errors
/// See [`IntegrationKeyError`].
pub async fn create(
    ctx: &Context,
    caller: &StaffCaller,
    business: BusinessId,
    input: CreateIntegrationKey,
) -> Result<NewIntegrationKey, IntegrationKeyError> {
    caller.require_or_admin(business, StaffRole::Owner)?;
    create_for(ctx, business, Some(caller.member), input).await
}

/// Makes a key without a caller: for the command line, the demonstration data and tests.
///
/// # Errors
/// See [`IntegrationKeyError`].
pub async fn create_for(
    ctx: &Context,
    business: BusinessId,
    created_by: Option<MemberId>,
    mut input: CreateIntegrationKey,
) -> Result<NewIntegrationKey, IntegrationKeyError> {
    let now = ctx.clock().now();
    input.scopes.sort_unstable();
    input.scopes.dedup();
    if input.scopes.is_empty() {
        return Err(IntegrationKeyError::NoScopes);
    }
    if input.expires_at.is_some_and(|at| at <= now) {
        return Err(IntegrationKeyError::ExpiresInThePast);
    }
    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
    let row = KeyRow {
        id: ctx.ids().uuid(),
        business_id: business.as_uuid(),
        location_id: input.location.map(LocationId::as_uuid),
        name: input.name.into_string(),
        prefix: secret[..SHOWN].to_owned(),
        scopes: input.scopes.iter().map(ToString::to_string).collect(),
        created_by: created_by.map(MemberId::as_uuid),
        created_at: now,
        expires_at: input.expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    let ctx = &ctx.of(business);
    let stored = (ctx.clone(), row.clone(), hash(&secret), input.location);
    transaction::run(ctx, stored, move |conn, (ctx, row, hash, location)| {
        Box::pin(async move {
            if store::businesses::get(conn, business).await?.is_none() {
                return Err(AccessError::Unknown.into());
            }
            if let Some(location) = location
                && !store::locations::exists(conn, business, *location).await?
            {
                return Err(IntegrationKeyError::UnknownLocation);
            }
            store::integration_keys::insert(conn, row, hash).await?;
            let entry = Entry::of(Action::IntegrationKeyMake, ObjectKind::IntegrationKey);
            let entry = entry.id(row.id).business(business).after(json!({
                "name": row.name,
                "prefix": row.prefix,
                "scopes": row.scopes,
                "location_id": row.location_id,
                "expires_at": row.expires_at,
            }));
            Ok(audit_log::record(conn, ctx, entry).await?)
        })
    })
    .await?;
    Ok(NewIntegrationKey {
        key: view(row)?,
        secret,
    })
}

/// The keys of a business that were not revoked; its owner may see them.
///
/// # Errors
/// See [`IntegrationKeyError`].
pub async fn list(
    ctx: &Context,
    caller: &StaffCaller,
    business: BusinessId,
) -> Result<Vec<IntegrationKey>, IntegrationKeyError> {
    caller.require_or_admin(business, StaffRole::Owner)?;
    let mut conn = ctx.of(business).connection().await?;
    let rows = store::integration_keys::list(&mut conn, business).await?;
    Ok(rows.into_iter().map(view).collect::<Result<_, _>>()?)
}

/// Revokes a key of a business; its owner may. It is worth nothing at once here, within seconds elsewhere.
///
/// # Errors
/// See [`IntegrationKeyError`].
pub async fn revoke(
    ctx: &Context,
    caller: &StaffCaller,
    business: BusinessId,
    key: KeyId,
) -> Result<(), IntegrationKeyError> {
    caller.require_or_admin(business, StaffRole::Owner)?;
    let (ctx, now) = (&ctx.of(business), ctx.clock().now());
    let revoked = transaction::run(ctx, ctx.clone(), move |conn, ctx| {
        Box::pin(async move {
            let revoked = store::integration_keys::revoke(conn, business, key, now).await?;
            if revoked {
                let entry = Entry::of(Action::IntegrationKeyRevoke, ObjectKind::IntegrationKey);
                audit_log::record(conn, ctx, entry.id(key).business(business)).await?;
            }
            Ok::<_, StoreError>(revoked)
        })
    })
    .await?;
    ctx.caches().forget_key(key);
    if revoked {
        Ok(())
    } else {
        Err(IntegrationKeyError::UnknownKey)
    }
}

/// Whose key this is.
pub(super) async fn verify(ctx: &Context, secret: &str) -> Result<KeyCaller, AuthError> {
    const INVALID: AuthError = AuthError::Invalid("not an integration key that is worth something");
    if secret.len() != LENGTH {
        return Err(INVALID);
    }
    let now = ctx.clock().now();
    let hash = hash(secret);
    let key = match ctx.caches().keys.get(&hash, now) {
        Ok(key) => key,
        // In a box: what is seldom done need not make the future of every request large.
        Err(_) => Box::pin(read(ctx, hash)).await?.ok_or(INVALID)?,
    };
    if key.expires_at.is_some_and(|at| at <= now) {
        return Err(INVALID);
    }
    note_use(ctx, &key.caller, now);
    Ok(key.caller.clone())
}

/// The key with this hash, if it was not revoked.
async fn read(ctx: &Context, hash: [u8; 32]) -> Result<Option<Arc<VerifiedKey>>, StoreError> {
    let mut conn = ctx.reader().await?;
    // Of the many who waited for a turn, the first asks for all.
    let now = ctx.clock().now();
    let seen = match ctx.caches().keys.get(&hash, now) {
        Ok(key) => return conn.done(Ok(Some(key))),
        Err(seen) => seen,
    };
    let find = store::integration_keys::find_by_hash_across_businesses(&mut conn, &hash);
    let found = find.await;
    let Some(row) = conn.done(found)?.filter(|row| row.revoked_at.is_none()) else {
        return Ok(None);
    };
    let (business, expires_at) = (row.business_id.into(), row.expires_at);
    let view = view(row)?;
    let key = Arc::new(VerifiedKey {
        caller: KeyCaller {
            key: view.id,
            business,
            location: view.location,
            scopes: view.scopes,
        },
        expires_at,
    });
    ctx.caches().keys.put(&hash, key.clone(), now, seen);
    Ok(Some(key))
}

/// Writes down that a key was used, at most once a minute, and not while anybody waits.
fn note_use(ctx: &Context, caller: &KeyCaller, now: DateTime<Utc>) {
    let key = caller.key;
    {
        let mut uses = ctx
            .caches()
            .key_uses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match uses.get(&key) {
            Some(at) if *at <= now && now - *at < TimeDelta::minutes(1) => return,
            _ => uses.insert(key, now),
        };
    }
    let ctx = ctx.of(caller.business);
    tokio::spawn(async move {
        let noted = transaction::run(&ctx, (), move |conn, ()| {
            Box::pin(store::integration_keys::touch(conn, key, now))
        });
        if let Err(error) = noted.await {
            tracing::debug!(%key, %error, "the use of a key was not noted");
        }
    });
}

fn hash(secret: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    hash
}

fn view(row: KeyRow) -> Result<IntegrationKey, StoreError> {
    Ok(IntegrationKey {
        id: row.id.into(),
        name: row.name,
        prefix: row.prefix,
        scopes: row
            .scopes
            .iter()
            .map(|scope| known(scope))
            .collect::<Result<_, _>>()?,
        location: row.location_id.map(Into::into),
        created_by: row.created_by.map(Into::into),
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    })
}
