//! An admin changes the programme's settings.

use std::sync::Arc;

use domain::audit::{Action, ObjectKind};
use domain::programme::ProgrammeSettings;
use domain::rights::OperatorRole;
use store::error::StoreError;

use super::{Programme, current};
use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::transaction;

/// The settings as they are to be.
#[derive(Clone, Debug)]
pub struct ChangeProgramme {
    /// The version that the caller saw.
    pub version: i64,
    /// All settings.
    pub settings: ProgrammeSettings,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeProgrammeError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Somebody else changed the settings since the caller saw them.
    #[error("the settings were changed meanwhile")]
    Stale,
    /// The settings are not possible: (JSON pointer, what is allowed) of each fault.
    #[error("the settings are not possible")]
    Invalid(Vec<(&'static str, &'static str)>),
    /// Currency and time zone stay once there are purchases: their days and sums were made with them.
    #[error("currency and time zone can't change once there are purchases")]
    Locked,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts new settings in place; they hold at once in this process and within seconds in others.
///
/// # Errors
/// See [`ChangeProgrammeError`].
pub async fn change(
    ctx: &Context,
    caller: &OperatorCaller,
    input: ChangeProgramme,
) -> Result<Arc<Programme>, ChangeProgrammeError> {
    caller.require(OperatorRole::Admin)?;
    let faults = input.settings.faults();
    if !faults.is_empty() {
        return Err(ChangeProgrammeError::Invalid(faults));
    }
    let settings = serde_json::to_value(&input.settings)
        .map_err(|error| StoreError(sqlx::Error::Encode(Box::new(error))))?;
    let before = current(ctx).await?;
    let moved = before.settings.currency != input.settings.currency
        || before.settings.time_zone != input.settings.time_zone;
    let version = transaction::run(
        ctx,
        (ctx.clone(), input.version, settings, moved),
        |conn, (ctx, version, settings, moved)| {
            Box::pin(async move {
                let now = ctx.clock().now();
                let old = store::programme::get(conn).await?.map(|row| row.settings);
                let updated = store::programme::update(conn, *version, settings, now).await?;
                if *moved && store::purchases::any(conn).await? {
                    return Err(ChangeProgrammeError::Locked);
                }
                if updated.is_some() {
                    let entry = Entry::of(Action::SettingsChange, ObjectKind::Programme);
                    audit_log::record(conn, ctx, entry.changed(old, settings)).await?;
                }
                Ok(updated)
            })
        },
    )
    .await?;
    ctx.caches().programme.forget(&());
    if version.is_none() {
        return Err(ChangeProgrammeError::Stale);
    }
    Ok(current(ctx).await?)
}
