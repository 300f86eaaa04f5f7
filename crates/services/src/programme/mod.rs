//! The programme's settings: one row with a version, read through a cache that is at most
//! [`crate::cache::MAX_AGE`] old and that sees this process's own changes at once.

mod change;
mod start;

pub use change::{ChangeProgramme, ChangeProgrammeError, change};
pub use start::{StartError, start};

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::programme::ProgrammeSettings;
use sqlx::PgConnection;
use store::error::StoreError;

use crate::context::Context;

/// The settings at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    /// The settings.
    pub settings: ProgrammeSettings,
    /// Grows by one with each change.
    pub version: i64,
    /// When they last changed.
    pub updated_at: DateTime<Utc>,
}

/// The settings. Ask before opening a transaction: this may take a connection of its own.
///
/// # Errors
/// If the database fails, or the programme was never started, or its settings can't be read.
pub async fn current(ctx: &Context) -> Result<Arc<Programme>, StoreError> {
    if let Ok(programme) = ctx.caches().programme.get(&(), ctx.clock().now()) {
        return Ok(programme);
    }
    let mut conn = ctx.reader().await?;
    // Of the many who waited for a turn, the first asks for all.
    let now = ctx.clock().now();
    let seen = match ctx.caches().programme.get(&(), now) {
        Ok(programme) => return conn.done(Ok(programme)),
        Err(seen) => seen,
    };
    let found = load(&mut conn).await;
    let programme = Arc::new(conn.done(found)?);
    ctx.caches()
        .programme
        .put(&(), programme.clone(), now, seen);
    Ok(programme)
}

/// Reads the settings past the cache.
async fn load(conn: &mut PgConnection) -> Result<Programme, StoreError> {
    let row = store::programme::get(conn)
        .await?
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    let settings = serde_json::from_value(row.settings).map_err(|error| {
        StoreError(sqlx::Error::Decode(
            format!("the programme's settings can't be read: {error}").into(),
        ))
    })?;
    Ok(Programme {
        settings,
        version: row.version,
        updated_at: row.updated_at,
    })
}
