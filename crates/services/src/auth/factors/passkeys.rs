//! A person's passkeys: enrolling one in two steps, listing them, removing one.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{MemberId, PasskeyChallengeId, PasskeyId};
use domain::text::Text;
use sqlx::PgConnection;
use store::error::StoreError;
use store::passkeys::{NewPasskey, PasskeyRow};

use super::standing::{expect_change, refuse_last, require_change};
use super::{Change, FactorError, tell};
use crate::auth::webauthn::{ALGORITHMS, RelyingParty, check_enrolment};
use crate::caller::{MemberCaller, Person};
use crate::context::Context;
use crate::ids::random_bytes;
use crate::members::{open, open_phone};
use crate::programme;
use crate::transaction;
use crate::vault::SealedField;

/// How long a challenge may be answered.
pub(in crate::auth) const CHALLENGE_LIFE: TimeDelta = TimeDelta::minutes(5);

/// The most passkeys of one person.
const MOST: i64 = 20;

/// What an authenticator is asked for.
#[derive(Clone, Debug)]
pub struct PasskeyOffer {
    /// Names the challenge when its answer comes.
    pub id: PasskeyChallengeId,
    /// What is to be signed.
    pub challenge: Vec<u8>,
    /// Milliseconds for which it may be answered.
    pub timeout_millis: u32,
    /// The host that the passkey is bound to.
    pub party_id: String,
    /// What the programme is called.
    pub party_name: String,
    /// What the authenticator calls the person; no personal data.
    pub user_handle: Vec<u8>,
    /// What the authenticator shows of the person: the masked phone.
    pub user_name: String,
    /// The person's name, if there is one.
    pub user_display_name: String,
    /// Kinds of keys, best first (COSE).
    pub algorithms: [i32; 3],
    /// What the person has already.
    pub exclude: Vec<Vec<u8>>,
}

/// The answer of an authenticator that made a passkey.
#[derive(Clone, Debug)]
pub struct EnrolPasskey {
    /// The challenge that was answered.
    pub challenge: PasskeyChallengeId,
    /// What the browser says.
    pub client_data: Vec<u8>,
    /// What the authenticator says.
    pub attestation: Vec<u8>,
    /// What the person calls it.
    pub name: Option<Text<100>>,
}

/// A passkey as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyView {
    /// Identifier.
    pub id: PasskeyId,
    /// What the person calls it.
    pub name: String,
    /// Whether it is kept in several devices.
    pub backed_up: bool,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
    /// When somebody last signed in with it.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl From<PasskeyRow> for PasskeyView {
    fn from(row: PasskeyRow) -> Self {
        Self {
            id: row.id.into(),
            name: row.name,
            backed_up: row.backed_up,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// Begins to enrol a passkey.
///
/// # Errors
/// See [`FactorError`].
pub async fn begin_passkey(ctx: &Context, person: &Person) -> Result<PasskeyOffer, FactorError> {
    let party_name = programme::current(ctx).await?.settings.name.clone();
    let input = (ctx.clone(), person.clone(), party_name);
    transaction::run(ctx, input, |conn, (ctx, person, party_name)| {
        Box::pin(offer(conn, ctx, person, party_name))
    })
    .await
}

async fn offer(
    conn: &mut PgConnection,
    ctx: &Context,
    person: &Person,
    party_name: &str,
) -> Result<PasskeyOffer, FactorError> {
    let standing = expect_change(conn, ctx, person).await?;
    if standing.passkeys >= MOST {
        return Err(FactorError::TooManyPasskeys);
    }
    let missing = || StoreError(sqlx::Error::RowNotFound);
    let member = person.member;
    let row = store::members::get(conn, member)
        .await?
        .ok_or_else(missing)?;
    let phone = open_phone(ctx, member, row.phone_sealed.as_deref())?;
    let user_name = phone.map_or(row.number, |phone| phone.masked());
    let name = row.name_sealed.as_deref();
    let name = open(ctx, member, SealedField::MemberName, name)?;
    let there = store::passkeys::list(conn, member).await?;
    let (id, challenge) = (ctx.ids().next(), random_bytes::<32>());
    let until = ctx.clock().now() + CHALLENGE_LIFE;
    store::passkeys::insert_challenge(conn, id, Some(member), &challenge, until).await?;
    Ok(PasskeyOffer {
        id,
        challenge: challenge.to_vec(),
        timeout_millis: timeout_millis(),
        party_id: RelyingParty::of(&ctx.config().public_url).id,
        party_name: party_name.to_owned(),
        user_handle: member.as_uuid().as_bytes().to_vec(),
        user_display_name: name.unwrap_or_else(|| user_name.clone()),
        user_name,
        algorithms: ALGORITHMS,
        exclude: there.into_iter().map(|one| one.credential_id).collect(),
    })
}

pub(in crate::auth) fn timeout_millis() -> u32 {
    u32::try_from(CHALLENGE_LIFE.num_milliseconds()).unwrap_or(u32::MAX)
}

/// Enrols the passkey that an authenticator made.
///
/// # Errors
/// See [`FactorError`].
pub async fn enrol_passkey(
    ctx: &Context,
    person: &Person,
    input: EnrolPasskey,
) -> Result<PasskeyView, FactorError> {
    let input = (ctx.clone(), person.clone(), input);
    // What is refused is refused after the commit: a challenge is answered once, whatever the answer is worth.
    transaction::run(ctx, input, |conn, (ctx, person, input)| {
        Box::pin(async move {
            match enrol(conn, ctx, person, input).await {
                Err(FactorError::Store(error)) => Err(error),
                outcome => Ok::<_, StoreError>(outcome),
            }
        })
    })
    .await?
}

async fn enrol(
    conn: &mut PgConnection,
    ctx: &Context,
    person: &Person,
    input: &EnrolPasskey,
) -> Result<PasskeyView, FactorError> {
    let now = ctx.clock().now();
    let taken = store::passkeys::take_challenge(conn, input.challenge, "enrol").await?;
    let own = |member: Option<uuid::Uuid>| member.map(MemberId::from) == Some(person.member);
    let challenge = taken
        .filter(|taken| own(taken.member_id) && taken.expires_at > now)
        .ok_or(FactorError::DoesNotFit)?;
    let standing = require_change(conn, ctx, person).await?;
    if standing.passkeys >= MOST {
        return Err(FactorError::TooManyPasskeys);
    }
    let party = RelyingParty::of(&ctx.config().public_url);
    let made = check_enrolment(
        &party,
        &challenge.challenge,
        &input.client_data,
        &input.attestation,
    )
    .map_err(|fault| {
        tracing::info!(member = %person.member, %fault, "a passkey is not enrolled");
        FactorError::DoesNotFit
    })?;
    let new = NewPasskey {
        id: ctx.ids().next(),
        member: person.member,
        credential_id: &made.id,
        public_key: &made.public_key,
        sign_count: made.sign_count,
        backup_eligible: made.backup_eligible,
        backed_up: made.backed_up,
        name: input.name.as_ref().map_or("", Text::as_str),
    };
    if !store::passkeys::insert(conn, &new, now).await? {
        return Err(FactorError::AlreadyEnrolled);
    }
    tell(conn, ctx, person.member, Change::PasskeyAdded).await?;
    Ok(PasskeyView {
        id: new.id,
        name: new.name.to_owned(),
        backed_up: made.backed_up,
        created_at: now,
        last_used_at: None,
    })
}

/// The caller's passkeys, oldest first.
///
/// # Errors
/// If the database fails.
pub async fn list_passkeys(
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<Vec<PasskeyView>, StoreError> {
    let rows = store::passkeys::list(&mut *ctx.connection().await?, caller.member).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Removes one of the caller's passkeys, and ends the person's other sign-ins.
///
/// # Errors
/// See [`FactorError`].
pub async fn remove_passkey(
    ctx: &Context,
    person: &Person,
    passkey: PasskeyId,
) -> Result<(), FactorError> {
    // Somebody who works anywhere keeps a strong factor.
    let ctx = &ctx.across();
    let input = (ctx.clone(), person.clone());
    transaction::run(ctx, input, move |conn, (ctx, person)| {
        Box::pin(async move {
            let before = require_change(conn, ctx, person).await?;
            if !store::passkeys::delete(conn, person.member, passkey).await? {
                return Err(FactorError::Unknown);
            }
            refuse_last(conn, &before, person).await?;
            let now = ctx.clock().now();
            let but = Some(person.session);
            store::sessions::end_all(conn, person.member, but, "ended", now).await?;
            tell(conn, ctx, person.member, Change::PasskeyRemoved).await?;
            Ok(())
        })
    })
    .await?;
    ctx.caches().forget_member(person.member);
    Ok(())
}
