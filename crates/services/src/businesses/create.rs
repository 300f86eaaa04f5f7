//! An admin adds a partner, with its owner if one is named.

use domain::audit::{Action, ObjectKind};
use domain::ids::BusinessId;
use domain::money::{BasisPoints, Money};
use domain::people::BusinessStatus;
use domain::phone::Phone;
use domain::programme::is_code;
use domain::rights::{OperatorRole, StaffRole};
use domain::text::{Slug, Text};
use sqlx::PgConnection;
use store::businesses::BusinessRow;
use store::error::StoreError;

use super::staff::record_role;
use super::{Business, logged, stored, term_faults};
use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::members::find_or_create_by_phone;
use crate::transaction;

/// The business to be added.
#[derive(Clone, Debug)]
pub struct CreateBusiness {
    /// Short name for addresses.
    pub slug: Slug,
    /// Name.
    pub name: Text<200>,
    /// Category of the catalogue.
    pub category: String,
    /// Russian description.
    pub description_ru: Option<Text<2000>>,
    /// English description.
    pub description_en: Option<Text<2000>>,
    /// What a purchase earns of its money part.
    pub base_rate: BasisPoints,
    /// The share of a bill that points may pay; none: as the programme says.
    pub share_cap: Option<BasisPoints>,
    /// Points worth up to this much may be spent without the member's code.
    pub spend_without_code_up_to: Money,
    /// The phone of its owner.
    pub owner: Option<Phone>,
}

/// Why no business was added.
#[derive(Debug, thiserror::Error)]
pub enum CreateBusinessError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Another business has this slug.
    #[error("another business has this slug")]
    SlugTaken,
    /// The terms are not possible: (JSON pointer, what is allowed) of each fault.
    #[error("the terms are not possible")]
    Invalid(Vec<(&'static str, &'static str)>),
    /// The database failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for CreateBusinessError {
    fn from(error: StoreError) -> Self {
        match error.constraint() {
            Some("businesses_slug_unique") => Self::SlugTaken,
            _ => Self::Store(error),
        }
    }
}

/// Adds an active business.
///
/// # Errors
/// See [`CreateBusinessError`].
pub async fn create(
    ctx: &Context,
    caller: &OperatorCaller,
    input: CreateBusiness,
) -> Result<Business, CreateBusinessError> {
    caller.require(OperatorRole::Admin)?;
    create_as_system(ctx, input).await
}

/// Adds an active business without a caller: for the command line, the demonstration data and tests.
///
/// # Errors
/// See [`CreateBusinessError`].
pub async fn create_as_system(
    ctx: &Context,
    input: CreateBusiness,
) -> Result<Business, CreateBusinessError> {
    let mut faults = term_faults(
        Some(input.base_rate),
        input.share_cap,
        Some(input.spend_without_code_up_to),
    );
    if !is_code(&input.category) {
        faults.push((
            "/category",
            "small Latin letters, digits and underscores, 32 at most",
        ));
    }
    if !faults.is_empty() {
        return Err(CreateBusinessError::Invalid(faults));
    }
    let business = BusinessId::from(ctx.ids().uuid());
    let ctx = &ctx.of(business);
    let input = (ctx.clone(), business, input);
    let result = transaction::run(ctx, input, |conn, (ctx, business, input)| {
        Box::pin(insert(conn, ctx, *business, input))
    })
    .await;
    if let Ok(business) = &result {
        ctx.caches().places.forget(business.id);
    }
    result
}

async fn insert(
    conn: &mut PgConnection,
    ctx: &Context,
    business: BusinessId,
    input: &CreateBusiness,
) -> Result<Business, CreateBusinessError> {
    let now = ctx.clock().now();
    let text =
        |text: &Option<Text<2000>>| text.as_ref().map_or_else(String::new, ToString::to_string);
    let row = BusinessRow {
        id: business.as_uuid(),
        slug: input.slug.as_str().to_owned(),
        name: input.name.to_string(),
        category: input.category.clone(),
        description_ru: text(&input.description_ru),
        description_en: text(&input.description_en),
        status: BusinessStatus::Active.as_str().to_owned(),
        base_rate_bp: stored(input.base_rate),
        share_cap_bp: input.share_cap.map(stored),
        spend_without_code_up_to: input.spend_without_code_up_to.hundredths(),
        version: 1,
        created_at: now,
    };
    store::businesses::insert(conn, &row).await?;
    let entry = Entry::of(Action::BusinessAdd, ObjectKind::Business).id(business);
    audit_log::record(conn, ctx, entry.business(business).after(logged(&row))).await?;
    if let Some(owner) = &input.owner {
        let owner = find_or_create_by_phone(conn, ctx, owner).await?.member;
        store::staff::put(conn, business, owner, StaffRole::Owner, None, now).await?;
        let given = Some((StaffRole::Owner.as_str(), None));
        record_role(conn, ctx, business, owner, None, given).await?;
    }
    Ok(row.try_into()?)
}
