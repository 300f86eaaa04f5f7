//! The owner or an admin changes a business.

use domain::audit::{Action, ObjectKind};
use domain::ids::BusinessId;
use domain::money::{BasisPoints, Money};
use domain::programme::is_code;
use domain::rights::StaffRole;
use domain::text::Text;
use sqlx::PgConnection;
use store::error::StoreError;

use super::{Business, logged, stored, term_faults};
use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, StaffCaller};
use crate::context::Context;
use crate::transaction;

/// What is to be changed; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default)]
pub struct ChangeBusiness {
    /// The version that the caller saw.
    pub version: i64,
    /// Name.
    pub name: Option<Text<200>>,
    /// Category of the catalogue.
    pub category: Option<String>,
    /// Russian description.
    pub description_ru: Option<Option<Text<2000>>>,
    /// English description.
    pub description_en: Option<Option<Text<2000>>>,
    /// What a purchase earns of its money part.
    pub base_rate: Option<BasisPoints>,
    /// The share of a bill that points may pay.
    pub share_cap: Option<Option<BasisPoints>>,
    /// Points worth up to this much may be spent without the member's code.
    pub spend_without_code_up_to: Option<Money>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeBusinessError {
    /// The caller may not, or there is no such business for the caller.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Somebody else changed the business since the caller saw it.
    #[error("the business was changed meanwhile")]
    Stale,
    /// The terms are not possible: (JSON pointer, what is allowed) of each fault.
    #[error("the terms are not possible")]
    Invalid(Vec<(&'static str, &'static str)>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes a business.
///
/// # Errors
/// See [`ChangeBusinessError`].
pub async fn change(
    ctx: &Context,
    caller: &StaffCaller,
    business: BusinessId,
    input: ChangeBusiness,
) -> Result<Business, ChangeBusinessError> {
    caller.require_or_admin(business, StaffRole::Owner)?;
    let mut faults = term_faults(
        input.base_rate,
        input.share_cap.flatten(),
        input.spend_without_code_up_to,
    );
    if input
        .category
        .as_deref()
        .is_some_and(|category| !is_code(category))
    {
        faults.push((
            "/category",
            "small Latin letters, digits and underscores, 32 at most",
        ));
    }
    if !faults.is_empty() {
        return Err(ChangeBusinessError::Invalid(faults));
    }
    let ctx = &ctx.of(business);
    let input = (ctx.clone(), business, input);
    let result = transaction::run(ctx, input, |conn, (ctx, business, input)| {
        Box::pin(apply(conn, ctx, *business, input))
    })
    .await;
    ctx.caches().places.forget(business);
    result
}

async fn apply(
    conn: &mut PgConnection,
    ctx: &Context,
    business: BusinessId,
    input: &ChangeBusiness,
) -> Result<Business, ChangeBusinessError> {
    let mut row = store::businesses::lock(conn, business)
        .await?
        .ok_or(AccessError::Unknown)?;
    if row.version != input.version {
        return Err(ChangeBusinessError::Stale);
    }
    let before = logged(&row);
    let text =
        |text: &Option<Text<2000>>| text.as_ref().map_or_else(String::new, ToString::to_string);
    if let Some(name) = &input.name {
        row.name = name.to_string();
    }
    if let Some(category) = &input.category {
        row.category.clone_from(category);
    }
    if let Some(description) = &input.description_ru {
        row.description_ru = text(description);
    }
    if let Some(description) = &input.description_en {
        row.description_en = text(description);
    }
    if let Some(rate) = input.base_rate {
        row.base_rate_bp = stored(rate);
    }
    if let Some(cap) = input.share_cap {
        row.share_cap_bp = cap.map(stored);
    }
    if let Some(worth) = input.spend_without_code_up_to {
        row.spend_without_code_up_to = worth.hundredths();
    }
    row.version = store::businesses::update(conn, &row)
        .await?
        .ok_or(ChangeBusinessError::Stale)?;
    let entry = Entry::of(Action::BusinessChange, ObjectKind::Business).id(business);
    let entry = entry.business(business).changed(before, logged(&row));
    audit_log::record(conn, ctx, entry).await?;
    Ok(row.try_into()?)
}
