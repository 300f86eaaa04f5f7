//! A sign-in that lives, with all that its member may do; read for every request, through a cache.

use std::str::FromStr;
use std::sync::Arc;

use domain::ids::SessionId;
use domain::people::MemberStatus;
use domain::rights::{OperatorRole, StaffRole};
use sqlx::PgConnection;
use store::error::StoreError;
use store::sessions::{SessionRow, SessionWithRoles};

use super::tokens::SessionLife;
use crate::caller::{Person, StaffPlace};
use crate::context::{Context, StaffSecondFactor};

/// What a request needs to know of a sign-in.
#[derive(Debug)]
pub(crate) struct SessionState {
    /// The person.
    pub(crate) person: Person,
}

/// The sign-in, if it is not over and its member may act.
pub(crate) async fn load(
    ctx: &Context,
    session: SessionId,
) -> Result<Option<Arc<SessionState>>, StoreError> {
    let now = ctx.clock().now();
    if let Ok(state) = ctx.caches().sessions.get(&session, now) {
        return Ok(Some(state));
    }
    // In a box: what is seldom done need not make the future of every request large.
    Box::pin(read(ctx, session)).await
}

async fn read(ctx: &Context, session: SessionId) -> Result<Option<Arc<SessionState>>, StoreError> {
    let mut conn = ctx.reader().await?;
    // Of the many who waited for a turn, the first asks for all.
    let now = ctx.clock().now();
    let seen = match ctx.caches().sessions.get(&session, now) {
        Ok(state) => return conn.done(Ok(Some(state))),
        Err(seen) => seen,
    };
    let found = store::sessions::get_with_roles(&mut conn, session).await;
    let Some(row) = conn.done(found)? else {
        return Ok(None);
    };
    if row.ended_at.is_some() || row.member_status.parse() != Ok(MemberStatus::Active) {
        return Ok(None);
    }
    let required = ctx.config().staff_second_factor == StaffSecondFactor::Required;
    let (created_at, last_seen_at) = (row.created_at, row.last_seen_at);
    let person = person_of(session, row)?;
    if SessionLife::of(&person).ends_at(created_at, last_seen_at) <= now {
        return Ok(None);
    }
    let person = person.as_far_as_proved(required);
    let state = Arc::new(SessionState { person });
    ctx.caches()
        .sessions
        .put(&session, state.clone(), now, seen);
    Ok(Some(state))
}

/// Whether the sign-in was not ended and its member may act.
pub(crate) fn lives(row: &SessionRow) -> bool {
    row.ended_at.is_none() && row.member_status.parse() == Ok(MemberStatus::Active)
}

/// The person of a sign-in with all roles, whatever the sign-in is good for. The transaction must work across businesses:
/// with another one, roles at businesses are missing.
pub(crate) async fn person(conn: &mut PgConnection, row: SessionRow) -> Result<Person, StoreError> {
    let member = row.member_id.into();
    let places = store::staff::places_across_businesses(conn, member).await?;
    let roles = store::operators::roles(conn, member).await?;
    Ok(Person {
        member,
        session: row.id.into(),
        staff: places
            .into_iter()
            .map(|place| {
                Ok(StaffPlace {
                    business: place.business_id.into(),
                    role: known::<StaffRole>(&place.role)?,
                    location: place.location_id.map(Into::into),
                })
            })
            .collect::<Result<_, StoreError>>()?,
        operator: roles
            .iter()
            .map(|role| known::<OperatorRole>(role))
            .collect::<Result<_, StoreError>>()?,
        auth_time: row.auth_time,
        amr: row.amr,
        withheld: false,
    })
}

fn person_of(session: SessionId, row: SessionWithRoles) -> Result<Person, StoreError> {
    let places = row
        .businesses
        .iter()
        .zip(row.staff_roles)
        .zip(row.locations);
    let operator = row.operator_roles.iter();
    Ok(Person {
        member: row.member_id.into(),
        session,
        staff: places
            .map(|((business, role), location)| {
                Ok(StaffPlace {
                    business: (*business).into(),
                    role: known::<StaffRole>(&role)?,
                    location: location.map(Into::into),
                })
            })
            .collect::<Result<_, StoreError>>()?,
        operator: operator
            .map(|role| known::<OperatorRole>(role))
            .collect::<Result<_, StoreError>>()?,
        auth_time: row.auth_time,
        amr: row.amr,
        withheld: false,
    })
}

/// A name that the database's own checks allow.
pub(crate) fn known<T: FromStr>(name: &str) -> Result<T, StoreError> {
    name.parse().map_err(|_| {
        StoreError(sqlx::Error::Decode(
            format!("a name that is not known: {name}").into(),
        ))
    })
}
