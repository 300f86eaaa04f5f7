//! Opens a sign-in for somebody who has just proved who it is, whichever way.

use domain::audit::{Action, ObjectKind};
use domain::ids::{MemberId, SessionId};
use domain::people::MemberStatus;
use domain::text::Text;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::sessions::NewSession;

use super::origin::Origin;
use super::session_state::{known, person};
use super::tokens::RefreshToken;
use crate::audit_log::{self, Entry};
use crate::caller::Person;
use crate::context::Context;

/// A sign-in to be opened.
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    /// Who it is.
    pub(super) member: MemberId,
    /// What the person calls the device.
    pub(super) device: Option<&'a Text<100>>,
    /// How the person proved it (RFC 8176).
    pub(super) amr: &'a [&'static str],
    /// Where the request comes from.
    pub(super) origin: &'a Origin,
    /// The sign-in of the same person that it takes the place of: whoever holds a copy of the weaker one's tokens gains
    /// nothing by the stronger proof.
    pub(super) replaces: Option<SessionId>,
    /// Its first refresh token.
    pub(super) refresh: RefreshToken,
}

/// Opens a sign-in; `None` for a member who may not act.
pub(super) async fn open(
    conn: &mut PgConnection,
    ctx: &Context,
    opening: Opening<'_>,
) -> Result<Option<Box<Person>>, StoreError> {
    let missing = || StoreError(sqlx::Error::RowNotFound);
    let now = ctx.clock().now();
    let member = store::members::get(conn, opening.member)
        .await?
        .ok_or_else(missing)?;
    if known::<MemberStatus>(&member.status)? != MemberStatus::Active {
        return Ok(None);
    }
    if let Some(old) = opening.replaces {
        // A stranger's is not found, and nothing happens to it.
        store::sessions::end(conn, opening.member, old, "ended", now).await?;
    }
    let amr: Vec<String> = opening.amr.iter().map(|&one| one.to_owned()).collect();
    let new = NewSession {
        id: ctx.ids().next(),
        member: opening.member,
        device: opening.device.map_or("", Text::as_str),
        place: &opening.origin.place(),
        client: &opening.origin.client(),
        amr: &amr,
    };
    store::sessions::insert(conn, &new, now).await?;
    store::sessions::insert_refresh_token(conn, new.id, &opening.refresh.hash(), now).await?;
    let row = store::sessions::get(conn, new.id)
        .await?
        .ok_or_else(missing)?;
    let person = Box::new(person(conn, row).await?);
    let action = match opening.replaces {
        Some(_) => Action::StepUp,
        None => Action::SessionStart,
    };
    let entry = Entry::of(action, ObjectKind::Session).id(new.id);
    let entry = entry
        .by(person.as_ref())
        .after(json!({ "amr": person.amr }));
    audit_log::record(conn, ctx, entry).await?;
    Ok(Some(person))
}
