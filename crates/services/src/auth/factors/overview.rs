//! What a person has to sign in with.

use chrono::{DateTime, Utc};
use store::error::StoreError;

use super::passkeys::{PasskeyView, list_passkeys};
use crate::caller::MemberCaller;
use crate::context::Context;

/// A person's factors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorsView {
    /// The passkeys, oldest first.
    pub passkeys: Vec<PasskeyView>,
    /// When the password was set, if there is one.
    pub password_changed_at: Option<DateTime<Utc>>,
    /// Since when the authenticator counts, if there is one.
    pub authenticator_since: Option<DateTime<Utc>>,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
}

/// The caller's factors.
///
/// # Errors
/// If the database fails.
pub async fn overview(ctx: &Context, caller: &MemberCaller) -> Result<FactorsView, StoreError> {
    let passkeys = list_passkeys(ctx, caller).await?;
    let mut conn = ctx.connection().await?;
    let password = store::passwords::get(&mut conn, caller.member).await?;
    let authenticator = store::passwords::authenticator(&mut conn, caller.member).await?;
    let standing = store::factors::standing(&mut conn, caller.member).await?;
    Ok(FactorsView {
        passkeys,
        password_changed_at: password.map(|password| password.changed_at),
        authenticator_since: authenticator.and_then(|one| one.confirmed_at),
        recovery_codes: standing.recovery_codes,
    })
}
