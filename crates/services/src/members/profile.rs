//! A member reads and changes his profile.

use chrono::{DateTime, NaiveDate, Utc};
use domain::audit::{Action, ObjectKind};
use domain::consents::ConsentKind;
use domain::email::Email;
use domain::ids::MemberId;
use domain::people::{Locale, MemberStatus};
use domain::phone::Phone;
use domain::text::Text;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::members::ProfileChange;

use super::consents::{self, ConsentGateError};
use super::{open, open_phone};
use crate::audit_log::{self, Entry};
use crate::auth::session_state::known;
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::transaction;
use crate::vault::SealedField;

/// The oldest birthday that is taken.
const FIRST_BIRTH_YEAR: i32 = 1900;

/// A member's profile, as the member sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// The member.
    pub member: MemberId,
    /// Twelve digits.
    pub number: String,
    /// How the member stands to the programme.
    pub status: MemberStatus,
    /// The phone, if one is known.
    pub phone: Option<Phone>,
    /// The name, if given.
    pub name: Option<String>,
    /// The birthday, if given.
    pub birthday: Option<NaiveDate>,
    /// The e-mail address, if given.
    pub email: Option<Email>,
    /// Whether a message to it was answered.
    pub email_verified: bool,
    /// Consents that are required and not given.
    pub consents_missing: Vec<ConsentKind>,
    /// The language.
    pub locale: Locale,
    /// Grows by one with each change.
    pub version: i64,
    /// When the member joined.
    pub joined_at: Option<DateTime<Utc>>,
}

/// What is to be changed; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Default)]
pub struct ChangeProfile {
    /// The version that the caller saw, if it matters.
    pub version: Option<i64>,
    /// The name.
    pub name: Option<Option<Text<100>>>,
    /// The birthday.
    pub birthday: Option<Option<NaiveDate>>,
    /// The e-mail address.
    pub email: Option<Option<Email>>,
    /// The language.
    pub locale: Option<Locale>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile")
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ChangeProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChangeProfile")
    }
}

/// Why a profile was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is no such member any more.
    #[error("there is no such member")]
    Unknown,
    /// Somebody else changed the profile since the caller saw it.
    #[error("the profile was changed meanwhile")]
    Stale,
    /// Nobody was born then.
    #[error("the birthday must lie between 1900 and today")]
    ImpossibleBirthday,
    /// Required consents are missing.
    #[error(transparent)]
    Consent(#[from] ConsentGateError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The caller's profile.
///
/// # Errors
/// See [`ProfileError`].
pub async fn profile(ctx: &Context, caller: &MemberCaller) -> Result<Profile, ProfileError> {
    load(&mut *ctx.connection().await?, ctx, caller.member).await
}

/// Changes the caller's profile.
///
/// # Errors
/// See [`ProfileError`].
pub async fn change_profile(
    ctx: &Context,
    caller: &MemberCaller,
    input: ChangeProfile,
) -> Result<Profile, ProfileError> {
    let earliest = NaiveDate::from_ymd_opt(FIRST_BIRTH_YEAR, 1, 1);
    let today = ctx.clock().now().date_naive();
    if let Some(Some(birthday)) = input.birthday
        && (Some(birthday) < earliest || birthday > today)
    {
        return Err(ProfileError::ImpossibleBirthday);
    }
    transaction::run(
        ctx,
        (ctx.clone(), caller.member, input),
        |conn, (ctx, member, input)| Box::pin(apply(conn, ctx, *member, input)),
    )
    .await
}

async fn apply(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    input: &ChangeProfile,
) -> Result<Profile, ProfileError> {
    consents::require(conn, ctx, member).await?;
    let before = load(conn, ctx, member).await?;
    let seal = |field, text: &str| {
        ctx.vault()
            .seal(field, member.as_uuid().as_bytes(), text.as_bytes())
    };
    let change = ProfileChange {
        name_sealed: input.name.as_ref().map(|name| {
            name.as_ref()
                .map(|name| seal(SealedField::MemberName, name.as_str()))
        }),
        birthday_sealed: input
            .birthday
            .map(|day| day.map(|day| seal(SealedField::MemberBirthday, &day.to_string()))),
        locale: input.locale.map(|locale| locale.as_str().to_owned()),
    };
    if store::members::update_profile(conn, member, input.version, &change)
        .await?
        .is_none()
    {
        return Err(match store::members::get(conn, member).await? {
            Some(_) => ProfileError::Stale,
            None => ProfileError::Unknown,
        });
    }
    if let Some(email) = &input.email {
        set_email(conn, ctx, member, email.as_ref()).await?;
    }
    let after = load(conn, ctx, member).await?;
    note(conn, ctx, &before, &after).await?;
    Ok(after)
}

/// Writes down what was changed: the names of fields, never what stands in them.
async fn note(
    conn: &mut PgConnection,
    ctx: &Context,
    before: &Profile,
    after: &Profile,
) -> Result<(), StoreError> {
    let changed = [
        ("name", before.name != after.name),
        ("birthday", before.birthday != after.birthday),
        ("locale", before.locale != after.locale),
    ];
    let fields: Vec<&str> = changed
        .iter()
        .filter(|(_, changed)| *changed)
        .map(|(name, _)| *name)
        .collect();
    let member = after.member;
    if !fields.is_empty() {
        let entry = Entry::of(Action::ProfileChange, ObjectKind::Member).id(member);
        audit_log::record(conn, ctx, entry.after(json!({ "fields": fields }))).await?;
    }
    if before.email != after.email {
        let entry = Entry::of(Action::EmailChange, ObjectKind::Member).id(member);
        let entry = entry.after(json!({ "given": after.email.is_some() }));
        audit_log::record(conn, ctx, entry).await?;
    }
    Ok(())
}

async fn set_email(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    email: Option<&Email>,
) -> Result<(), StoreError> {
    let Some(email) = email else {
        return store::member_emails::delete(conn, member).await;
    };
    let (row, vault) = (member.as_uuid(), ctx.vault());
    let sealed = vault.seal(
        SealedField::MemberEmail,
        row.as_bytes(),
        email.as_str().as_bytes(),
    );
    let (hash, now) = (vault.email_hash(email), ctx.clock().now());
    store::member_emails::set(conn, member, &sealed, &hash, now).await
}

async fn load(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
) -> Result<Profile, ProfileError> {
    let row = store::members::get(conn, member)
        .await?
        .ok_or(ProfileError::Unknown)?;
    let birthday = open(
        ctx,
        member,
        SealedField::MemberBirthday,
        row.birthday_sealed.as_deref(),
    )?;
    let email_row = store::member_emails::get(conn, member).await?;
    let sealed = email_row.as_ref().map(|row| row.email_sealed.as_slice());
    let email = open(ctx, member, SealedField::MemberEmail, sealed)?;
    let email = email.map(|email| Email::parse(&email)).transpose();
    Ok(Profile {
        email: email.map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))))?,
        email_verified: email_row.is_some_and(|row| row.verified_at.is_some()),
        consents_missing: consents::missing(conn, ctx, member).await?,
        member,
        number: row.number,
        status: known(&row.status)?,
        phone: open_phone(ctx, member, row.phone_sealed.as_deref())?,
        name: open(
            ctx,
            member,
            SealedField::MemberName,
            row.name_sealed.as_deref(),
        )?,
        birthday: birthday.as_deref().map(known).transpose()?,
        locale: known(&row.locale)?,
        version: row.version,
        joined_at: row.joined_at,
    })
}
