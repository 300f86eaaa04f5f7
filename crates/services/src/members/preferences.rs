//! What a member wants to hear of, and how.

use std::collections::BTreeMap;

use domain::audit::{Action, ObjectKind};
use domain::preferences::{Preferences, Topic};
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::error::StoreError;

use super::consents::{self, ConsentGateError};
use crate::audit_log::{self, Entry};
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::{programme, transaction};

/// Choices with their version; 0 is that of somebody who made none yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedPreferences {
    /// The choices.
    pub choices: Preferences,
    /// Grows by one with each change.
    pub version: i64,
}

/// Why choices were not taken.
#[derive(Debug, thiserror::Error)]
pub enum PreferencesError {
    /// They were changed since the caller saw them.
    #[error("the preferences were changed meanwhile")]
    Stale,
    /// Required consents are missing.
    #[error(transparent)]
    Consent(#[from] ConsentGateError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The caller's choices.
///
/// # Errors
/// If the database fails.
pub async fn preferences(
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<VersionedPreferences, StoreError> {
    let starting = Preferences::starting(programme::current(ctx).await?.settings.time_zone);
    let row =
        store::notification_preferences::get(&mut *ctx.connection().await?, caller.member).await?;
    let Some(row) = row else {
        return Ok(VersionedPreferences {
            choices: starting,
            version: 0,
        });
    };
    let mut choices: Preferences = serde_json::from_value(row.choices)
        .map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))))?;
    // A topic that came later has the channels that everybody begins with.
    for (topic, channels) in starting.topics {
        choices.topics.entry(topic).or_insert(channels);
    }
    Ok(VersionedPreferences {
        choices,
        version: row.version,
    })
}

/// Sets the caller's choices; topics that are not named are switched off.
///
/// # Errors
/// See [`PreferencesError`].
pub async fn set_preferences(
    ctx: &Context,
    caller: &MemberCaller,
    seen: Option<i64>,
    mut choices: Preferences,
) -> Result<VersionedPreferences, PreferencesError> {
    let named: BTreeMap<_, _> = std::mem::take(&mut choices.topics);
    for topic in Topic::ALL {
        let mut channels = named.get(topic).cloned().unwrap_or_default();
        channels.sort_unstable();
        channels.dedup();
        choices.topics.insert(*topic, channels);
    }
    let input = (ctx.clone(), *caller, choices);
    transaction::run(ctx, input, move |conn, (ctx, caller, choices)| {
        Box::pin(store(conn, ctx, caller, seen, choices))
    })
    .await
}

async fn store(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: &MemberCaller,
    seen: Option<i64>,
    choices: &Preferences,
) -> Result<VersionedPreferences, PreferencesError> {
    consents::require(conn, ctx, caller.member).await?;
    let encoded = serde_json::to_value(choices)
        .map_err(|error| StoreError(sqlx::Error::Encode(Box::new(error))))?;
    let now = ctx.clock().now();
    let before = store::notification_preferences::get(conn, caller.member).await?;
    let set = store::notification_preferences::set(conn, caller.member, seen, &encoded, now);
    let version = set.await?.ok_or(PreferencesError::Stale)?;
    let fields = changed_fields(before.as_ref().map(|row| &row.choices), &encoded);
    let entry = Entry::of(Action::PreferencesChange, ObjectKind::Member).id(caller.member);
    audit_log::record(conn, ctx, entry.after(json!({ "fields": fields }))).await?;
    Ok(VersionedPreferences {
        choices: choices.clone(),
        version,
    })
}

/// Which fields differ; all of them for somebody who made no choice before.
fn changed_fields<'a>(before: Option<&Value>, after: &'a Value) -> Vec<&'a str> {
    let fields = after.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| before.and_then(|before| before.get(name)) != Some(value))
        .map(|(name, _)| name.as_str())
        .collect()
}
