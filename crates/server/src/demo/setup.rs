//! Makes what the history needs: people who run the programme, partners with their places, staff and keys, and
//! promotions. Each step looks first whether it was done, so that a filling that was broken off can go on.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use domain::ids::{BusinessId, LocationId};
use domain::money::{BasisPoints, Money};
use domain::phone::{Phone, Region};
use domain::rights::{OperatorRole, Scope, StaffRole};
use domain::text::{Slug, Text};
use services::auth::authenticate;
use services::auth::integration_keys::{self, CreateIntegrationKey};
use services::businesses::{self, CatalogueFilter, CreateBusiness, CreateLocation, GiveRole};
use services::caller::{OperatorCaller, StaffCaller, TillCaller};
use services::context::Context;
use services::loyalty::earning_rules;
use services::members::grant_operator;
use uuid::Uuid;

use super::plan::Plan;
use super::promotions::promotions;
use super::record::{Record, Till};
use super::town::{PARTNERS, Partner};

/// Phones of the people who run things: +7 999 000-00-01 and on.
const ADMIN: u64 = 79_990_000_001;
const SUPPORT: u64 = 79_990_000_002;
const ANALYST: u64 = 79_990_000_003;
const FIRST_OWNER: u64 = 79_990_000_011;
const FIRST_MANAGER: u64 = 79_990_000_031;
const FIRST_CASHIER: u64 = 79_990_000_051;

/// The till of each partner, and its places.
pub(super) struct Tills {
    pub(super) callers: Vec<TillCaller>,
    pub(super) places: Vec<Vec<LocationId>>,
}

/// A phone of the demonstration.
///
/// # Errors
/// Never, for the numbers above.
pub(super) fn phone(number: u64) -> anyhow::Result<Phone> {
    Ok(Phone::parse(&format!("+{number}"), Region::RU)?)
}

/// The admin's phone.
pub(super) const fn admin_phone() -> u64 {
    ADMIN
}

/// The phones of owner and cashier of the partner at this place in the list.
pub(super) fn staff_phones(partner: usize) -> (u64, u64) {
    let place = u64::try_from(partner).unwrap_or(0);
    (FIRST_OWNER + place, FIRST_CASHIER + place)
}

/// Does all of it, or what is missing of it.
///
/// # Errors
/// If a service refuses or the database fails.
pub(super) async fn set_up(
    ctx: &Context,
    plan: &Plan,
    record: &mut Record,
    folder: &Path,
) -> anyhow::Result<Tills> {
    let admin = grant_operator(ctx, &phone(ADMIN)?, OperatorRole::Admin).await?;
    grant_operator(ctx, &phone(SUPPORT)?, OperatorRole::Support).await?;
    grant_operator(ctx, &phone(ANALYST)?, OperatorRole::Analyst).await?;
    // Nobody has signed in yet: the admin acts through the same use cases, without a sign-in behind it.
    let admin = OperatorCaller {
        member: admin,
        session: Uuid::nil().into(),
        roles: vec![OperatorRole::Admin],
    };
    let mut tills = Tills {
        callers: Vec::new(),
        places: Vec::new(),
    };
    for (number, partner) in PARTNERS.iter().enumerate() {
        let at = || format!("setting up {}", partner.name);
        let business = business(ctx, &admin, number, partner)
            .await
            .with_context(at)?;
        tills.places.push(
            places(ctx, &admin, business, partner)
                .await
                .with_context(at)?,
        );
        staff(ctx, business, number, tills.places.last())
            .await
            .with_context(at)?;
        if !record.tills.contains_key(partner.slug) {
            let key = till_key(ctx, business).await.with_context(at)?;
            record
                .tills
                .insert(partner.slug.to_owned(), Till { business, key });
            record.save(folder)?;
        }
        tills
            .callers
            .push(caller(ctx, &record.tills[partner.slug]).await?);
    }
    add_promotions(ctx, &admin, plan, record).await?;
    Ok(tills)
}

/// Partners that exist, by identifier and slug.
///
/// # Errors
/// If the database fails.
pub(super) async fn existing(ctx: &Context) -> anyhow::Result<Vec<(BusinessId, String)>> {
    let filter = CatalogueFilter {
        limit: 100,
        ..CatalogueFilter::default()
    };
    let found = businesses::list(ctx, filter).await?;
    Ok(found
        .into_iter()
        .map(|business| (business.id, business.slug))
        .collect())
}

async fn business(
    ctx: &Context,
    admin: &OperatorCaller,
    number: usize,
    partner: &Partner,
) -> anyhow::Result<BusinessId> {
    let there = existing(ctx).await?;
    if let Some((id, _)) = there.into_iter().find(|(_, slug)| slug == partner.slug) {
        return Ok(id);
    }
    let new = CreateBusiness {
        slug: Slug::new(partner.slug)?,
        name: Text::new(partner.name)?,
        category: partner.category.to_owned(),
        description_ru: Some(Text::new(partner.description_ru)?),
        description_en: Some(Text::new(partner.description_en)?),
        base_rate: BasisPoints::new(partner.base_rate),
        share_cap: partner.share_cap.map(BasisPoints::new),
        spend_without_code_up_to: Money::from_hundredths(partner.spend_without_code * 100),
        owner: Some(phone(staff_phones(number).0)?),
    };
    Ok(businesses::create(ctx, admin, new).await?.id)
}

async fn places(
    ctx: &Context,
    admin: &OperatorCaller,
    business: BusinessId,
    partner: &Partner,
) -> anyhow::Result<Vec<LocationId>> {
    let staff = StaffCaller {
        member: admin.member,
        session: admin.session,
        places: Vec::new(),
        operator: admin.roles.clone(),
    };
    let there = businesses::list_locations(ctx, business).await?;
    let mut ids: Vec<LocationId> = there.into_iter().map(|location| location.id).collect();
    for place in partner.places.iter().skip(ids.len()) {
        let new = CreateLocation {
            name: Text::new(place.name)?,
            address: Some(Text::new(place.address)?),
            point_e6: Some(place.point_e6),
        };
        ids.push(
            businesses::add_location(ctx, &staff, business, new)
                .await?
                .id,
        );
    }
    Ok(ids)
}

async fn staff(
    ctx: &Context,
    business: BusinessId,
    number: usize,
    places: Option<&Vec<LocationId>>,
) -> anyhow::Result<()> {
    let place = u64::try_from(number).unwrap_or(0);
    let first = places.and_then(|places| places.first().copied());
    let roles = [
        (FIRST_MANAGER + place, StaffRole::Manager, None),
        (FIRST_CASHIER + place, StaffRole::Cashier, first),
    ];
    for (number, role, location) in roles {
        let new = GiveRole {
            phone: phone(number)?,
            role,
            location,
        };
        businesses::give_role_as_system(ctx, business, new).await?;
    }
    Ok(())
}

async fn till_key(ctx: &Context, business: BusinessId) -> anyhow::Result<String> {
    let new = CreateIntegrationKey {
        name: Text::new("Касса")?,
        scopes: vec![
            Scope::TransactionsWrite,
            Scope::TransactionsRead,
            Scope::LoyaltyRead,
            Scope::LoyaltyWrite,
            Scope::ImportsWrite,
        ],
        location: None,
        expires_at: None,
    };
    Ok(integration_keys::create_for(ctx, business, None, new)
        .await?
        .secret)
}

async fn caller(ctx: &Context, till: &Till) -> anyhow::Result<TillCaller> {
    let caller = authenticate(ctx, &till.key).await?;
    caller
        .into_till()
        .map_err(|error| anyhow!("the key of a till: {error}"))
}

async fn add_promotions(
    ctx: &Context,
    admin: &OperatorCaller,
    plan: &Plan,
    record: &Record,
) -> anyhow::Result<()> {
    let there = earning_rules::list(ctx, admin, None, 100).await?;
    let find = |slug: &str| record.tills.get(slug).map(|till| till.business);
    for new in promotions(plan.begins, record.end, find) {
        let known = |name: &str| there.iter().any(|rule| rule.definition.name_en == name);
        if !known(&new.definition.name_en) {
            earning_rules::add(ctx, admin, new).await?;
        }
    }
    Ok(())
}
