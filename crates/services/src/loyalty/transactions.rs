//! Purchases with their refunds, listed and shown, to the business where they were made and to the member who made them.

use std::collections::BTreeMap;

use domain::ids::{BusinessId, PurchaseId};
use store::error::StoreError;
use store::{purchases, refunds};
use uuid::Uuid;

use crate::caller::{AccessError, MemberCaller, TillCaller};
use crate::context::Context;
use domain::rights::Scope;

pub use store::purchases::{PurchaseFilter, PurchaseRow};
pub use store::refunds::RefundRow;

/// A purchase as lists show it.
#[derive(Clone, Debug)]
pub struct ListedPurchase {
    /// The purchase.
    pub purchase: PurchaseRow,
    /// How many refunds there were.
    pub refunds: i64,
    /// What has been refunded of it, in hundredths of the currency.
    pub refunded: i64,
}

/// A purchase with its refunds.
#[derive(Clone, Debug)]
pub struct PurchaseWithRefunds {
    /// The purchase.
    pub purchase: PurchaseRow,
    /// Its refunds in order.
    pub refunds: Vec<RefundRow>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadPurchaseError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such purchase for this caller.
    #[error("unknown purchase")]
    UnknownPurchase,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page of a business's purchases.
///
/// # Errors
/// [`ReadPurchaseError`].
pub async fn list_of_business(
    ctx: &Context,
    caller: &TillCaller,
    business: Option<BusinessId>,
    mut filter: PurchaseFilter,
    limit: u16,
) -> Result<Vec<ListedPurchase>, ReadPurchaseError> {
    caller.require(Scope::TransactionsRead)?;
    let business = caller.business(business)?;
    let location = filter.location.map(Into::into);
    filter.location = caller.location(business, location)?.map(Uuid::from);
    let mut conn = ctx.of(business).connection().await?;
    let rows = purchases::page_of_business(&mut conn, business, &filter, i64::from(limit)).await?;
    let sums = sums(&mut conn, &rows).await?;
    Ok(listed(rows, &sums))
}

/// A page of a member's purchases at all businesses.
///
/// # Errors
/// [`ReadPurchaseError`].
pub async fn list_of_member(
    ctx: &Context,
    caller: &MemberCaller,
    filter: PurchaseFilter,
    limit: u16,
) -> Result<Vec<ListedPurchase>, ReadPurchaseError> {
    let mut conn = ctx.connection().await?;
    let rows = purchases::page_of_member_across_businesses(
        &mut conn,
        caller.member,
        &filter,
        i64::from(limit),
    )
    .await?;
    let sums = sums(&mut conn, &rows).await?;
    Ok(listed(rows, &sums))
}

/// One purchase of the caller's businesses.
///
/// # Errors
/// [`ReadPurchaseError`].
pub async fn get_of_business(
    ctx: &Context,
    caller: &TillCaller,
    id: PurchaseId,
) -> Result<PurchaseWithRefunds, ReadPurchaseError> {
    caller.require(Scope::TransactionsRead)?;
    let mut conn = ctx.connection().await?;
    for business in caller.businesses() {
        if let Some(purchase) = purchases::get(&mut conn, business, id.as_uuid()).await? {
            let refunds = refunds::of_purchase(&mut conn, purchase.id).await?;
            return Ok(PurchaseWithRefunds { purchase, refunds });
        }
    }
    Err(ReadPurchaseError::UnknownPurchase)
}

/// One purchase of the member.
///
/// # Errors
/// [`ReadPurchaseError`].
pub async fn get_of_member(
    ctx: &Context,
    caller: &MemberCaller,
    id: PurchaseId,
) -> Result<PurchaseWithRefunds, ReadPurchaseError> {
    let mut conn = ctx.connection().await?;
    let id = id.as_uuid();
    let found = purchases::get_of_member_across_businesses(&mut conn, caller.member, id).await?;
    let purchase = found.ok_or(ReadPurchaseError::UnknownPurchase)?;
    let refunds = refunds::of_purchase(&mut conn, purchase.id).await?;
    Ok(PurchaseWithRefunds { purchase, refunds })
}

async fn sums(
    conn: &mut sqlx::PgConnection,
    rows: &[PurchaseRow],
) -> Result<BTreeMap<Uuid, (i64, i64)>, StoreError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    refunds::sums(conn, &ids).await
}

fn listed(rows: Vec<PurchaseRow>, sums: &BTreeMap<Uuid, (i64, i64)>) -> Vec<ListedPurchase> {
    rows.into_iter()
        .map(|purchase| {
            let (refunds, refunded) = sums.get(&purchase.id).copied().unwrap_or((0, 0));
            ListedPurchase {
                purchase,
                refunds,
                refunded,
            }
        })
        .collect()
}
