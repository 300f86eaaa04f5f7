//! One member, whole: who it is, what he has, where he is signed in, where he works, and why he was blocked.

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::MemberId;
use domain::rights::OperatorRole;
use store::member_blocks::BlockRow;
use store::sessions::SessionRow;

use super::search::{FindError, note};
use crate::audit_log::Entry;
use crate::auth::session_state::known;
use crate::caller::{MemberCaller, OperatorCaller, StaffPlace};
use crate::context::Context;
use crate::loyalty::balance::{ReadWalletError, wallet_now};
use crate::loyalty::posting::Balance;
use crate::members::{Profile, ProfileError, profile};

/// All that an operator sees of a member.
#[derive(Clone, Debug)]
pub struct MemberWhole {
    /// Who it is.
    pub profile: Profile,
    /// What he has.
    pub balance: Balance,
    /// Code of the tier.
    pub tier: String,
    /// Since when.
    pub tier_since: DateTime<Utc>,
    /// The sign-ins that were not ended, newest first, at most a hundred.
    pub sessions: Vec<SessionRow>,
    /// Where he works.
    pub places: Vec<StaffPlace>,
    /// The operator roles that he has.
    pub roles: Vec<OperatorRole>,
    /// Why he was blocked, newest first.
    pub blocks: Vec<BlockRow>,
}

impl From<ProfileError> for FindError {
    fn from(error: ProfileError) -> Self {
        match error {
            // Nothing is changed here, so nothing can be stale, impossible or without consent.
            ProfileError::Unknown
            | ProfileError::Stale
            | ProfileError::ImpossibleBirthday
            | ProfileError::Consent(_) => Self::Unknown,
            ProfileError::Store(error) => Self::Store(error),
        }
    }
}

/// Shows a member.
///
/// # Errors
/// [`FindError`]; [`ReadWalletError`] where the wallet can't be told.
pub async fn show(
    ctx: &Context,
    caller: &OperatorCaller,
    member: MemberId,
) -> Result<Result<MemberWhole, ReadWalletError>, FindError> {
    caller.require(OperatorRole::Support)?;
    let as_member = MemberCaller {
        member,
        session: caller.session,
    };
    let profile = profile(ctx, &as_member).await?;
    note(
        ctx,
        Entry::of(Action::MemberView, ObjectKind::Member).id(member),
    )
    .await?;
    let now = ctx.clock().now();
    let mut conn = ctx.across().connection().await?;
    let row = match wallet_now(&mut conn, ctx, member, now).await {
        Ok(row) => row,
        Err(error) => return Ok(Err(error)),
    };
    let places = store::staff::places_across_businesses(&mut conn, member).await?;
    let places = places.into_iter().map(|place| {
        Ok(StaffPlace {
            business: place.business_id.into(),
            role: known(&place.role)?,
            location: place.location_id.map(Into::into),
        })
    });
    let roles = store::operators::roles(&mut conn, member).await?;
    Ok(Ok(MemberWhole {
        profile,
        balance: Balance::of(&row.wallet),
        tier: row.tier,
        tier_since: row.tier_since,
        places: places.collect::<Result<_, FindError>>()?,
        roles: roles
            .iter()
            .map(|role| known(role))
            .collect::<Result<_, _>>()?,
        sessions: store::sessions::list(&mut conn, member, DateTime::UNIX_EPOCH).await?,
        blocks: store::member_blocks::of_member(&mut conn, member).await?,
    }))
}
