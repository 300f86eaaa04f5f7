//! What operators see of stopped prefixes and countries, and how they lift a stop.

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::rights::OperatorRole;
use store::code_stops::StopRow;
use store::error::StoreError;
use uuid::Uuid;

use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::transaction;
use crate::vault::SealedField;

/// How many stops are shown.
const MOST_SHOWN: i64 = 200;

/// A prefix or a country whose codes are asked for too often, or did not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeStop {
    /// Identifier.
    pub id: Uuid,
    /// `prefix` or `region`.
    pub kind: String,
    /// The prefix, its last digits missing, or the two letters of the country.
    pub label: String,
    /// How many codes were sent in the hours before.
    pub sent: i64,
    /// How many of them came back.
    pub verified: i64,
    /// Whether no code goes there now.
    pub holds: bool,
    /// Since when.
    pub stopped_at: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// When an operator lifted it.
    pub lifted_at: Option<DateTime<Utc>>,
}

/// Why no stop was shown or lifted.
#[derive(Debug, thiserror::Error)]
pub enum CodeStopError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such stop, or it is over.
    #[error("there is no such stop")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The newest stops, newest first; support may see them.
///
/// # Errors
/// See [`CodeStopError`].
pub async fn list(ctx: &Context, caller: &OperatorCaller) -> Result<Vec<CodeStop>, CodeStopError> {
    caller.require(OperatorRole::Support)?;
    let now = ctx.clock().now();
    let rows = store::code_stops::list(&mut *ctx.connection().await?, MOST_SHOWN).await?;
    rows.into_iter()
        .map(|row| Ok(view(ctx, row, now)?))
        .collect()
}

/// Lets codes go there again; an admin may.
///
/// # Errors
/// See [`CodeStopError`].
pub async fn lift(ctx: &Context, caller: &OperatorCaller, id: Uuid) -> Result<(), CodeStopError> {
    caller.require(OperatorRole::Admin)?;
    let lifted = transaction::run(ctx, ctx.clone(), move |conn, ctx| {
        Box::pin(async move {
            let lifted = store::code_stops::lift(conn, id, ctx.clock().now()).await?;
            if lifted {
                let entry = Entry::of(Action::CodeSendingResume, ObjectKind::Destination).id(id);
                audit_log::record(conn, ctx, entry).await?;
            }
            Ok::<_, StoreError>(lifted)
        })
    });
    if lifted.await? {
        Ok(())
    } else {
        Err(CodeStopError::Unknown)
    }
}

fn view(ctx: &Context, row: StopRow, now: DateTime<Utc>) -> Result<CodeStop, StoreError> {
    let label = ctx
        .vault()
        .open_text(SealedField::CodeStop, row.id.as_bytes(), &row.label_sealed)
        .map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))))?;
    Ok(CodeStop {
        id: row.id,
        label: if row.kind == "prefix" {
            format!("{label}••••")
        } else {
            label
        },
        kind: row.kind,
        sent: row.sent,
        verified: row.verified,
        holds: row.holds && row.lifted_at.is_none() && row.until > now,
        stopped_at: row.stopped_at,
        until: row.until,
        lifted_at: row.lifted_at,
    })
}
