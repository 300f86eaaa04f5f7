//! Setting a password. It signs in together with an authenticator, never alone.

use sqlx::PgConnection;
use store::error::StoreError;

use super::standing::{expect_change, require_change};
use super::{Change, FactorError, tell};
use crate::auth::tries::PASSWORD;
use crate::caller::Person;
use crate::context::Context;
use crate::members::open_phone;
use crate::transaction;
use crate::vault::SealedField;

/// Sets or changes the caller's password, and ends the person's other sign-ins.
///
/// # Errors
/// See [`FactorError`].
pub async fn set_password(
    ctx: &Context,
    person: &Person,
    password: String,
) -> Result<(), FactorError> {
    let mut conn = ctx.connection().await?;
    expect_change(&mut conn, ctx, person).await?;
    let phone = phone_of(&mut conn, ctx, person).await?;
    drop(conn);
    let digits = phone.as_ref().map(|phone| phone.e164()[1..].to_owned());
    let about = digits
        .iter()
        .flat_map(|digits| [digits.clone(), digits[1..].to_owned()])
        .collect();
    let hash = ctx.password_hashing().hash_chosen(password, about).await?;
    let row = person.member.as_uuid();
    let sealed = ctx
        .vault()
        .seal(SealedField::PasswordHash, row.as_bytes(), hash.as_bytes());
    let phone_hash = phone.map(|phone| ctx.vault().phone_hash(&phone));
    let input = (ctx.clone(), person.clone(), sealed, phone_hash);
    transaction::run(ctx, input, |conn, (ctx, person, sealed, phone_hash)| {
        Box::pin(async move {
            let (member, now) = (person.member, ctx.clock().now());
            require_change(conn, ctx, person).await?;
            store::passwords::put(conn, member, sealed, now).await?;
            let but = Some(person.session);
            store::sessions::end_all(conn, member, but, "ended", now).await?;
            if let Some(phone_hash) = phone_hash {
                PASSWORD.forgive(conn, phone_hash).await?;
            }
            tell(conn, ctx, member, Change::PasswordSet).await?;
            Ok::<_, FactorError>(())
        })
    })
    .await?;
    ctx.caches().forget_member(person.member);
    Ok(())
}

async fn phone_of(
    conn: &mut PgConnection,
    ctx: &Context,
    person: &Person,
) -> Result<Option<domain::phone::Phone>, StoreError> {
    let row = store::members::get(conn, person.member)
        .await?
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    open_phone(ctx, person.member, row.phone_sealed.as_deref())
}
