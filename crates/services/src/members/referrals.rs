//! By which code a member brings others, and whom he brought: masked, for they are others' data.

use chrono::{DateTime, Utc};
use domain::invitation_code::InvitationCode;
use domain::people::MemberStatus;
use sqlx::PgConnection;
use store::error::StoreError;
use store::referrals::BroughtRow;

use super::consents::{self, ConsentGateError};
use super::open_phone;
use crate::auth::session_state::known;
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::ids::random_bytes;
use crate::transaction;

/// How many of those who were brought are shown.
const SHOWN: i64 = 100;

/// How often a code is drawn again when it was taken.
const TRIES: u32 = 5;

/// Somebody whom the caller brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// The phone, its middle hidden; none when the person is gone.
    pub phone_masked: Option<String>,
    /// When the person joined.
    pub joined_at: DateTime<Utc>,
}

/// The caller's invitations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrals {
    /// The code to pass on.
    pub code: InvitationCode,
    /// How many it brought.
    pub count: i64,
    /// The newest of them.
    pub brought: Vec<Brought>,
    /// Whether the caller was brought by somebody.
    pub was_brought: bool,
}

/// The caller's code, made when it is asked for first, and whom it brought.
///
/// # Errors
/// [`ConsentGateError`].
pub async fn referrals(
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<Referrals, ConsentGateError> {
    transaction::run(ctx, (ctx.clone(), *caller), |conn, (ctx, caller)| {
        Box::pin(load(conn, ctx, caller))
    })
    .await
}

async fn load(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<Referrals, ConsentGateError> {
    consents::require(conn, ctx, caller.member).await?;
    let code = code(conn, ctx, caller).await?;
    let (count, was_brought) = store::referrals::counts(conn, caller.member).await?;
    let rows = store::referrals::brought_by(conn, caller.member, SHOWN).await?;
    Ok(Referrals {
        code,
        count,
        was_brought,
        brought: rows
            .into_iter()
            .map(|row| brought(ctx, &row))
            .collect::<Result<_, StoreError>>()?,
    })
}

async fn code(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<InvitationCode, StoreError> {
    for _ in 0..TRIES {
        let fresh = InvitationCode::from_random(random_bytes());
        let (fresh, now) = (fresh.as_str(), ctx.clock().now());
        let kept = store::referrals::get_or_insert_code(conn, caller.member, fresh, now).await?;
        if let Some(code) = kept {
            return InvitationCode::parse(&code)
                .map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))));
        }
    }
    Err(StoreError(sqlx::Error::RowNotFound))
}

fn brought(ctx: &Context, row: &BroughtRow) -> Result<Brought, StoreError> {
    let gone = known::<MemberStatus>(&row.status)? == MemberStatus::Erased;
    let sealed = row.phone_sealed.as_deref().filter(|_| !gone);
    let phone = open_phone(ctx, row.member_id.into(), sealed)?;
    Ok(Brought {
        phone_masked: phone.map(|phone| phone.masked()),
        joined_at: row.created_at,
    })
}
