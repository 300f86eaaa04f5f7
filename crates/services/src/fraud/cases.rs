//! Cases: opened where a limit at a till was reached, looked through and closed by operators.

use domain::audit::{Action, ObjectKind};
use domain::ids::{BusinessId, FraudCaseId};
use domain::rights::OperatorRole;
use domain::text::Text;
use serde_json::json;
use store::error::StoreError;
pub use store::fraud_cases::CaseRow;
use store::fraud_cases::{self, NewCase};

use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::transaction;

/// Why no case was shown or closed.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such case.
    #[error("there is no such case")]
    Unknown,
    /// It was closed before.
    #[error("the case was closed before")]
    AlreadyClosed,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens a case, or counts once more in the open one.
pub(super) async fn note(ctx: &Context, new: NewCase) -> Result<(), StoreError> {
    let ctx = &ctx.of(new.business.into());
    transaction::run(ctx, (ctx.clone(), new), |conn, (ctx, new)| {
        Box::pin(async move {
            let (id, now) = (ctx.ids().uuid(), ctx.clock().now());
            let (case, is_new) = fraud_cases::note(conn, id, new, now).await?;
            if is_new {
                let entry = Entry::of(Action::FraudFlag, ObjectKind::Member)
                    .id(new.member.unwrap_or(new.poster))
                    .business(BusinessId::from(new.business))
                    .after(json!({ "case": case, "kind": new.kind }));
                audit_log::record(conn, ctx, entry).await?;
            }
            Ok(())
        })
    })
    .await
}

/// A page of cases, newest first, before the one named: those that are open, or those that were closed.
///
/// # Errors
/// [`CaseError`].
pub async fn list(
    ctx: &Context,
    caller: &OperatorCaller,
    open: bool,
    before: Option<FraudCaseId>,
    limit: u16,
) -> Result<Vec<CaseRow>, CaseError> {
    caller.require(OperatorRole::Support)?;
    let mut conn = ctx.across().connection().await?;
    Ok(fraud_cases::page(&mut conn, open, before, i64::from(limit)).await?)
}

/// Closes a case with what was found.
///
/// # Errors
/// [`CaseError`].
pub async fn close(
    ctx: &Context,
    caller: &OperatorCaller,
    case: FraudCaseId,
    note: Text<500>,
) -> Result<CaseRow, CaseError> {
    caller.require(OperatorRole::Support)?;
    let by = caller.member.as_uuid();
    let ctx = &ctx.across();
    transaction::run(ctx, (ctx.clone(), note), move |conn, (ctx, note)| {
        Box::pin(async move {
            let now = ctx.clock().now();
            let closed = fraud_cases::close(conn, case, by, note.as_str(), now).await?;
            let Some(row) = closed else {
                return Err(if fraud_cases::exists(conn, case).await? {
                    CaseError::AlreadyClosed
                } else {
                    CaseError::Unknown
                });
            };
            let entry = Entry::of(Action::FraudReview, ObjectKind::Member)
                .id(row.member_id.unwrap_or(row.poster_id))
                .business(BusinessId::from(row.business_id))
                .after(json!({ "case": row.id, "kind": row.kind }));
            audit_log::record(conn, ctx, entry).await?;
            Ok(row)
        })
    })
    .await
}
