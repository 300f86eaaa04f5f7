//! The progress of an import, and the rows that were not posted.

use domain::ids::BusinessId;
use domain::rights::{Scope, StaffRole};
use store::error::StoreError;
use uuid::Uuid;

use super::model::Import;
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;

pub use store::import_verdicts::VerdictRow;

/// Which verdicts are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerdictFilter {
    /// Only refusals, not duplicates.
    pub only_refused: bool,
    /// After the row of this number.
    pub after: i64,
    /// How many at most.
    pub limit: i64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ShowImportError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such import for this caller.
    #[error("unknown import")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An import of one of the caller's businesses, with some of its verdicts in the order of the file.
///
/// # Errors
/// [`ShowImportError`].
pub async fn show(
    ctx: &Context,
    caller: &TillCaller,
    import: Uuid,
    filter: VerdictFilter,
) -> Result<(Import, Vec<VerdictRow>), ShowImportError> {
    caller.require(Scope::ImportsWrite)?;
    for business in caller.businesses() {
        let mut conn = ctx.of(business).connection().await?;
        if let Some(row) = store::imports::get(&mut conn, business, import).await? {
            may_import(caller, business)?;
            drop(conn);
            return Ok((
                row.try_into()?,
                verdicts(ctx, business, import, filter).await?,
            ));
        }
    }
    Err(ShowImportError::Unknown)
}

/// Some verdicts of an import, for whoever has it already.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn verdicts(
    ctx: &Context,
    business: BusinessId,
    import: Uuid,
    filter: VerdictFilter,
) -> Result<Vec<VerdictRow>, StoreError> {
    let mut conn = ctx.of(business).connection().await?;
    let verdict = filter.only_refused.then_some("refused");
    store::import_verdicts::page(&mut conn, import, verdict, filter.after, filter.limit).await
}

/// Passes a key that may import, and a manager.
///
/// # Errors
/// [`AccessError`].
pub(super) fn may_import(caller: &TillCaller, business: BusinessId) -> Result<(), AccessError> {
    caller.require(Scope::ImportsWrite)?;
    caller.require_role(business, StaffRole::Manager)
}
