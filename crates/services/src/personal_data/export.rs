//! A member asks for all that is stored on him. It is made by a job, kept sealed for a day, and given to whoever asks
//! again; a day later another may be asked for.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use serde_json::Value;
use sqlx::PgConnection;
use store::error::StoreError;
use store::exports::ExportRow;
use uuid::Uuid;

use super::make_export::MakeExport;
use super::{enqueue, is_recent};
use crate::audit_log::{self, Entry};
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::transaction;
use crate::vault::SealedField;

/// How long an export is kept.
const KEPT_FOR: TimeDelta = TimeDelta::days(1);

/// An export as its member sees it.
#[derive(Clone, PartialEq)]
pub struct Export {
    /// Identifier.
    pub id: Uuid,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it is thrown away.
    pub expires_at: DateTime<Utc>,
    /// The document, when it is made.
    pub document: Option<Value>,
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The sign-in is too long ago.
    #[error("a recent sign-in is needed")]
    SignInTooOld,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The caller's export; asks for one if there is none.
///
/// # Errors
/// See [`ExportError`].
pub async fn export(ctx: &Context, caller: &MemberCaller) -> Result<Export, ExportError> {
    let row = transaction::run(ctx, (ctx.clone(), *caller), |conn, (ctx, caller)| {
        Box::pin(ask(conn, ctx, caller))
    })
    .await?;
    let document = row
        .sealed
        .as_deref()
        .map(|sealed| open(ctx, row.id, sealed));
    Ok(Export {
        id: row.id,
        requested_at: row.requested_at,
        expires_at: row.expires_at,
        document: document.transpose()?,
    })
}

fn open(ctx: &Context, id: Uuid, sealed: &[u8]) -> Result<Value, StoreError> {
    let text = ctx
        .vault()
        .open_text(SealedField::Export, id.as_bytes(), sealed)
        .map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))))?;
    serde_json::from_str(&text).map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))))
}

async fn ask(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<ExportRow, ExportError> {
    if !is_recent(conn, ctx, caller).await? {
        return Err(ExportError::SignInTooOld);
    }
    let (now, id) = (ctx.clock().now(), ctx.ids().uuid());
    let expires_at = now + KEPT_FOR;
    let asked = store::exports::insert(conn, id, caller.member, now, expires_at).await?;
    if asked {
        let job = MakeExport { export: id };
        enqueue(conn, &job, now).await?;
    }
    let row = store::exports::of_member(conn, caller.member, now)
        .await?
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    let action = match (asked, row.sealed.is_some()) {
        (true, _) => Action::ExportAsk,
        (false, true) => Action::ExportFetch,
        (false, false) => return Ok(row),
    };
    audit_log::record(conn, ctx, Entry::of(action, ObjectKind::Export).id(row.id)).await?;
    Ok(row)
}
