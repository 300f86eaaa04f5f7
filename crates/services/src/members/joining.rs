//! What a person brings along when signing in: consents, and the code of whoever invited him.

use std::net::{IpAddr, Ipv4Addr};

use domain::audit::ActorKind;
use domain::consents::{ConsentChannel, ConsentKind};
use domain::ids::MemberId;
use domain::invitation_code::InvitationCode;
use sqlx::PgConnection;
use store::consents::ConsentRow;
use store::error::StoreError;

use super::consents::{ConsentChoice, ConsentError, ConsentSource, consent_texts, keep, to_rows};
use crate::audit_log::Actor;
use crate::context::Context;

/// What a person brings along, checked before the code is.
#[derive(Clone, Debug, Default)]
pub struct Joining {
    consents: Vec<ConsentRow>,
    invitation: Option<InvitationCode>,
}

impl Joining {
    /// Checks what a person brings along.
    ///
    /// # Errors
    /// See [`ConsentError`].
    pub async fn new(
        ctx: &Context,
        agreed: &[(ConsentKind, i32)],
        invitation: Option<InvitationCode>,
        address: IpAddr,
    ) -> Result<Self, ConsentError> {
        let choices: Vec<ConsentChoice> = agreed
            .iter()
            .map(|(kind, version)| ConsentChoice {
                kind: *kind,
                version: *version,
                given: true,
            })
            .collect();
        let source = ConsentSource {
            channel: ConsentChannel::SignIn,
            address,
        };
        let consents = if choices.is_empty() {
            Vec::new()
        } else {
            to_rows(&mut *ctx.connection().await?, ctx, &choices, source).await?
        };
        Ok(Self {
            consents,
            invitation,
        })
    }

    /// With all that is required in the words of now: for invented people.
    ///
    /// # Errors
    /// See [`ConsentError`].
    pub async fn agreeing(ctx: &Context) -> Result<Self, ConsentError> {
        let texts = consent_texts(ctx).await?;
        let agreed: Vec<_> = texts
            .iter()
            .filter(|text| text.kind.is_required())
            .map(|text| (text.kind, text.version))
            .collect();
        Self::new(ctx, &agreed, None, Ipv4Addr::LOCALHOST.into()).await
    }
}

/// Keeps what a person brought along. An invitation counts for somebody who joins with this sign-in; one that nobody has
/// counts for nothing, and the sign-in goes on.
pub(crate) async fn welcome(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    joins_now: bool,
    joining: &Joining,
) -> Result<(), StoreError> {
    // The request is still nobody's: the sign-in comes after.
    let person = Actor {
        id: Some(member.as_uuid()),
        ..Actor::unnamed(ActorKind::Person)
    };
    keep(conn, ctx, member, &joining.consents, Some(&person)).await?;
    let Some(code) = joining.invitation.as_ref().filter(|_| joins_now) else {
        return Ok(());
    };
    let owner = store::referrals::owner_of(conn, code.as_str()).await?;
    if let Some(referrer) = owner.filter(|owner| *owner != member.as_uuid()) {
        store::referrals::insert(conn, member, referrer, ctx.clock().now()).await?;
    }
    Ok(())
}
