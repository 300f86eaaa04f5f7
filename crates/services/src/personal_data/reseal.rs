//! The change of the key that protects personal data, while the service runs. Rows are exchanged in small transactions;
//! what was exchanged stays so, and whoever begins again goes on where it was broken off. When nothing is left under the
//! old key, it can be taken away.
//!
//! The order: every process learns the new key (it keeps both phone hashes from then on); `reseal` fills in the new
//! hashes; every process seals and looks up with the new key; `reseal` exchanges the rest; the old key is taken away.

use domain::audit::{Action, ObjectKind};
use domain::email::Email;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::sealed::{KeysInUse, Members, OldRows, ValueRow};
use uuid::Uuid;

use crate::audit_log::{self, Entry};
use crate::context::Context;
use crate::members::hash_tails::hash_phone_tails;
use crate::members::{PushAddress, open_phone};
use crate::transaction;
use crate::vault::{SealBroken, SealedField};

/// How many rows one transaction exchanges.
const STEP: i64 = 200;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// How many rows were exchanged.
    pub rows: u64,
    /// What is left under other keys, table by table.
    pub left: Vec<OldRows>,
}

/// What is under other keys than those in use, table by table.
///
/// # Errors
/// If the database fails.
pub async fn under_old_keys(ctx: &Context) -> Result<Vec<OldRows>, StoreError> {
    store::sealed::old_rows(&mut *ctx.across().connection().await?, keys_in_use(ctx)).await
}

/// Exchanges everything that lives long; what is thrown away by itself within days is counted and left.
///
/// # Errors
/// If the database fails, or a value does not open; what was exchanged stays so.
pub async fn reseal(ctx: &Context) -> Result<Resealed, StoreError> {
    let ctx = &ctx.across();
    let mut rows = members(ctx).await?;
    rows += repeated(ctx, |conn, ctx| Box::pin(emails(conn, ctx))).await?;
    rows += repeated(ctx, |conn, ctx| Box::pin(devices(conn, ctx))).await?;
    rows += repeated(ctx, |conn, ctx| Box::pin(signing_keys(conn, ctx))).await?;
    rows += repeated(ctx, |conn, ctx| Box::pin(code_stops(conn, ctx))).await?;
    rows += repeated(ctx, |conn, ctx| Box::pin(passwords(conn, ctx))).await?;
    rows += repeated(ctx, |conn, ctx| Box::pin(authenticators(conn, ctx))).await?;
    rows += repeated(ctx, |conn, ctx| Box::pin(tails(conn, ctx))).await?;
    hash_phone_tails(ctx).await?;
    let left = under_old_keys(ctx).await?;
    let (key, count) = (ctx.vault().data_key(), left.len());
    transaction::run(ctx, ctx.clone(), move |conn, ctx| {
        let entry = Entry::of(Action::SealingKeyRotate, ObjectKind::SealingKey).id(key);
        let entry = entry.after(json!({ "rows": rows, "tables_left": count }));
        Box::pin(async move { audit_log::record(conn, ctx, entry).await })
    })
    .await?;
    Ok(Resealed { rows, left })
}

fn keys_in_use(ctx: &Context) -> KeysInUse {
    let keys = ctx.vault().data_keys();
    let with = |rest: u8| {
        let mut keys = keys.iter().copied();
        keys.find(|key| key % 2 == rest).map(i32::from)
    };
    KeysInUse {
        current: ctx.vault().data_key().into(),
        odd: with(1),
        even: with(0),
    }
}

/// Does steps until one finds nothing to do.
async fn repeated<F>(ctx: &Context, step: F) -> Result<u64, StoreError>
where
    F: for<'c> Fn(&'c mut PgConnection, &'c Context) -> transaction::Work<'c, u64, StoreError>
        + Copy
        + Send
        + Sync
        + 'static,
{
    let mut rows = 0;
    loop {
        let done = transaction::run(ctx, ctx.clone(), step).await?;
        if done == 0 {
            return Ok(rows);
        }
        rows += done;
    }
}

async fn members(ctx: &Context) -> Result<u64, StoreError> {
    let (mut rows, mut after) = (0, Uuid::nil());
    loop {
        let step = transaction::run(ctx, ctx.clone(), move |conn, ctx| {
            Box::pin(members_after(conn, ctx, after))
        });
        let Some((done, last)) = step.await? else {
            return Ok(rows);
        };
        rows += done;
        after = last;
    }
}

async fn members_after(
    conn: &mut PgConnection,
    ctx: &Context,
    after: Uuid,
) -> Result<Option<(u64, Uuid)>, StoreError> {
    let found = store::sealed::lock_old_members(conn, keys_in_use(ctx), after, STEP).await?;
    let Some(last) = found.last().map(|row| row.id) else {
        return Ok(None);
    };
    let mut new = Members::default();
    for row in &found {
        let again = |field, sealed: Option<&[u8]>| {
            sealed
                .map(|sealed| renewed(ctx, field, row.id.as_bytes(), sealed))
                .transpose()
        };
        let (name, birthday) = (row.name_sealed.as_deref(), row.birthday_sealed.as_deref());
        new.phones.push(again(
            SealedField::MemberPhone,
            row.phone_sealed.as_deref(),
        )?);
        new.names.push(again(SealedField::MemberName, name)?);
        new.birthdays
            .push(again(SealedField::MemberBirthday, birthday)?);
        let phone = open_phone(ctx, row.id.into(), row.phone_sealed.as_deref())?;
        let hashes = phone.map(|phone| ctx.vault().member_phone_hashes(&phone));
        let hashes = hashes.unwrap_or_default();
        new.ids.push(row.id);
        new.odd.push(hashes.odd);
        new.even.push(hashes.even);
    }
    store::sealed::set_members(conn, &new).await?;
    Ok(Some((count(&found), last)))
}

async fn emails(conn: &mut PgConnection, ctx: &Context) -> Result<u64, StoreError> {
    let key = keys_in_use(ctx).current;
    let found = store::sealed::lock_old_emails(conn, key, STEP).await?;
    for row in &found {
        let text = opened(ctx, SealedField::MemberEmail, row)?;
        let email = Email::parse(&text)
            .map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))))?;
        let sealed = ctx
            .vault()
            .seal(SealedField::MemberEmail, row.id.as_bytes(), text.as_bytes());
        let hash = ctx.vault().email_hash(&email);
        store::sealed::set_email(conn, row.id, &sealed, &hash).await?;
    }
    Ok(count(&found))
}

async fn devices(conn: &mut PgConnection, ctx: &Context) -> Result<u64, StoreError> {
    let key = keys_in_use(ctx).current;
    let found = store::sealed::lock_old_devices(conn, key, STEP).await?;
    for row in &found {
        let text = opened(ctx, SealedField::DeviceToken, row)?;
        let address: PushAddress = serde_json::from_str(&text)
            .map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))))?;
        let sealed = ctx
            .vault()
            .seal(SealedField::DeviceToken, row.id.as_bytes(), text.as_bytes());
        let hashes = ctx.vault().device_hashes(&address.token);
        let hash = hashes.first().map_or(&[][..], Vec::as_slice);
        store::sealed::set_device(conn, row.id, &sealed, hash).await?;
    }
    Ok(count(&found))
}

async fn signing_keys(conn: &mut PgConnection, ctx: &Context) -> Result<u64, StoreError> {
    let key = keys_in_use(ctx).current;
    let found = store::sealed::lock_old_signing_keys(conn, key).await?;
    for (kid, sealed) in &found {
        let sealed = renewed(ctx, SealedField::SigningKey, kid.as_bytes(), sealed)?;
        store::sealed::set_signing_key(conn, kid, &sealed).await?;
    }
    Ok(count(&found))
}

async fn code_stops(conn: &mut PgConnection, ctx: &Context) -> Result<u64, StoreError> {
    let key = keys_in_use(ctx).current;
    let found = store::sealed::lock_old_code_stops(conn, key, STEP).await?;
    for row in &found {
        let sealed = renewed(ctx, SealedField::CodeStop, row.id.as_bytes(), &row.sealed)?;
        store::sealed::set_code_stop(conn, row.id, &sealed).await?;
    }
    Ok(count(&found))
}

async fn passwords(conn: &mut PgConnection, ctx: &Context) -> Result<u64, StoreError> {
    let key = keys_in_use(ctx).current;
    let found = store::sealed::lock_old_passwords(conn, key, STEP).await?;
    for row in &found {
        let sealed = renewed(
            ctx,
            SealedField::PasswordHash,
            row.id.as_bytes(),
            &row.sealed,
        )?;
        store::sealed::set_password(conn, row.id, &sealed).await?;
    }
    Ok(count(&found))
}

async fn authenticators(conn: &mut PgConnection, ctx: &Context) -> Result<u64, StoreError> {
    let key = keys_in_use(ctx).current;
    let mut found = store::sealed::lock_old_authenticators(conn, key, STEP).await?;
    for row in &mut found {
        let member = row.member_id;
        let secrets = [&mut row.secret_sealed, &mut row.pending_sealed];
        for sealed in secrets.into_iter().flatten() {
            let field = SealedField::AuthenticatorSecret;
            *sealed = renewed(ctx, field, member.as_bytes(), sealed)?;
        }
        store::sealed::set_authenticator(conn, row).await?;
    }
    Ok(count(&found))
}

async fn tails(conn: &mut PgConnection, ctx: &Context) -> Result<u64, StoreError> {
    store::member_tails::forget_of_other_keys(conn, ctx.vault().data_key(), STEP).await
}

fn renewed(
    ctx: &Context,
    field: SealedField,
    row: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, StoreError> {
    ctx.vault().reseal(field, row, sealed).map_err(broken)
}

fn opened(ctx: &Context, field: SealedField, row: &ValueRow) -> Result<String, StoreError> {
    let text = ctx.vault().open_text(field, row.id.as_bytes(), &row.sealed);
    text.map_err(broken)
}

fn broken(error: SealBroken) -> StoreError {
    StoreError(sqlx::Error::Decode(Box::new(error)))
}

fn count<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}
