//! Sets the stage through the same use cases as everything else: businesses with tills, members known by phone, members
//! who join, lots to spend.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use connectors::sms::RecordingSms;
use domain::ids::BusinessId;
use domain::loyalty::basket::BasketInput;
use domain::loyalty::purchase::Spend;
use domain::money::{BasisPoints, Money};
use domain::people::Locale;
use domain::phone::{Phone, Region};
use domain::rights::Scope;
use domain::text::{Slug, Text};
use services::auth::Tokens;
use services::auth::integration_keys::{self, CreateIntegrationKey};
use services::auth::request_code::{RequestCode, request_code};
use services::auth::sign_in::{SignIn, sign_in};
use services::businesses::{CreateBusiness, create_as_system};
use services::clock::Clock;
use services::context::{Context, ContextParts, ServiceConfig};
use services::ids::IdSource;
use services::loyalty::post_purchase::post_items;
use services::loyalty::posting::{PostItem, PostOutcome};
use services::members::{MemberReference, OnUnknown, resolve_members};
use services::notifications::development_outbox;
use services::transaction;
use services::vault::Vault;
use uuid::Uuid;

use crate::load::requests::LOT;
use crate::population::phone;

/// What a purchase earns of its money: 5 percent, everywhere.
const BASE_RATE: u32 = 500;

/// Bills above all that the bench makes; up to these points pay without a code.
const WITHOUT_CODE: i64 = 100_000_000;

/// How many members or purchases one transaction makes.
const GROUP: usize = 500;

/// How long ago the lots to be spent were earned: they expire before all others, so they are spent first.
const AGE: TimeDelta = TimeDelta::days(90);

/// The slug of the first business.
pub(crate) const FIRST_BUSINESS: &str = "bench-0";

/// A business and its till.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    /// The business.
    pub(crate) id: BusinessId,
    /// The secret of its key.
    pub(crate) key: String,
}

/// The way to the use cases on a database.
///
/// # Errors
/// If it can't be reached.
pub(crate) async fn context(url: &str, master_key: &[u8; 32]) -> anyhow::Result<Context> {
    let clock = Clock::System;
    Ok(Context::new(ContextParts {
        pool: store::pool::connect(url, 4).await?,
        ids: IdSource::new(clock.clone()),
        clock,
        vault: Vault::new(master_key),
        sms: Arc::new(RecordingSms::default()),
        config: ServiceConfig {
            development: true,
            sms_hourly_budget: u32::MAX,
            ..ServiceConfig::default()
        },
    }))
}

/// Makes businesses, each with the key of a till.
///
/// # Errors
/// If a service refuses or the database fails.
pub(crate) async fn businesses(ctx: &Context, count: u32) -> anyhow::Result<Vec<Shop>> {
    let mut shops = Vec::new();
    for number in 0..count {
        let slug = format!("bench-{number}");
        let new = CreateBusiness {
            name: Text::new(&slug)?,
            slug: Slug::new(&slug)?,
            category: "shop".to_owned(),
            description_ru: None,
            description_en: None,
            base_rate: BasisPoints::new(BASE_RATE),
            share_cap: None,
            spend_without_code_up_to: Money::from_hundredths(WITHOUT_CODE),
            owner: None,
        };
        let id = create_as_system(ctx, new).await?.id;
        let till = CreateIntegrationKey {
            name: Text::new("till")?,
            scopes: vec![Scope::TransactionsWrite, Scope::LoyaltyRead],
            location: None,
            expires_at: None,
        };
        let key = integration_keys::create_for(ctx, id, None, till).await?;
        shops.push(Shop {
            id,
            key: key.secret,
        });
    }
    Ok(shops)
}

fn parsed(member: usize) -> anyhow::Result<Phone> {
    Ok(Phone::parse(&phone(member), Region::RU)?)
}

/// Makes members known by phone; gives their identifiers in order.
///
/// # Errors
/// If the database fails.
pub(crate) async fn members(
    ctx: &Context,
    business: BusinessId,
    count: u32,
) -> anyhow::Result<Vec<Uuid>> {
    let numbers: Vec<usize> = (0..usize::try_from(count)?).collect();
    let mut ids = Vec::with_capacity(numbers.len());
    for group in numbers.chunks(GROUP) {
        let named = group.iter().map(|member| parsed(*member));
        let named: Vec<MemberReference> = named
            .map(|phone| phone.map(MemberReference::Phone))
            .collect::<anyhow::Result<_>>()?;
        let found = transaction::run(ctx, (ctx.clone(), named), move |conn, (ctx, named)| {
            Box::pin(resolve_members(
                conn,
                ctx,
                business,
                named,
                OnUnknown::CreateWaiting,
            ))
        })
        .await?;
        for member in found {
            ids.push(member?.member.as_uuid());
        }
    }
    Ok(ids)
}

/// Has members join with a code by phone; gives their tokens.
///
/// # Errors
/// If a service refuses or the database fails.
pub(crate) async fn join(ctx: &Context, members: &[usize]) -> anyhow::Result<Vec<Tokens>> {
    let mut all = Vec::with_capacity(members.len());
    for member in members {
        let phone = parsed(*member)?;
        let asked = RequestCode {
            phone: phone.clone(),
            locale: Locale::Ru,
        };
        let challenge = request_code(ctx, asked).await?.id;
        let newest = development_outbox::list(ctx, Some(&phone), 1).await?;
        let text = &newest.first().context("no message was kept")?.text;
        let (_, code) = text.rsplit_once('#').context("a message without a code")?;
        let entry = SignIn {
            phone,
            challenge,
            code: code.to_owned(),
            device: None,
        };
        all.push(sign_in(ctx, entry).await?);
    }
    Ok(all)
}

/// Renews tokens.
///
/// # Errors
/// If a service refuses or the database fails.
pub(crate) async fn renew(ctx: &Context, tokens: &mut [Tokens]) -> anyhow::Result<()> {
    for token in tokens {
        *token = services::auth::refresh::refresh(ctx, &token.refresh_token).await?;
    }
    Ok(())
}

/// Gives members lots to be spent first: `count` purchases of the past, to one member after the other.
///
/// # Errors
/// If a purchase is refused or the database fails.
pub(crate) async fn lay_in_lots(
    ctx: &Context,
    business: BusinessId,
    members: &[usize],
    count: u32,
) -> anyhow::Result<()> {
    let earned_at = ctx.clock().now() - AGE;
    let turns: Vec<usize> = members
        .iter()
        .copied()
        .cycle()
        .take(usize::try_from(count)?)
        .collect();
    for group in turns.chunks(GROUP) {
        let items = group
            .iter()
            .map(|member| old_purchase(ctx, business, *member, earned_at))
            .collect::<anyhow::Result<Vec<_>>>()?;
        for outcome in post_items(ctx, items).await? {
            ensure!(
                matches!(outcome, Ok(PostOutcome::Posted(..))),
                "a purchase of the past was not posted: {outcome:?}"
            );
        }
    }
    Ok(())
}

fn old_purchase(
    ctx: &Context,
    business: BusinessId,
    member: usize,
    earned_at: DateTime<Utc>,
) -> anyhow::Result<PostItem> {
    let zero = Money::from_hundredths(0);
    Ok(PostItem {
        business,
        location: None,
        cashier: None,
        cashier_member: None,
        receipt_number: ctx.ids().uuid().to_string(),
        member: MemberReference::Phone(parsed(member)?),
        basket: BasketInput::Amounts {
            total: Money::from_hundredths(LOT * 10_000 / i64::from(BASE_RATE)),
            not_earning: zero,
            not_payable: zero,
        },
        spend: Spend::Nothing,
        occurred_at: Some(earned_at),
        history: true,
        idempotency: None,
    })
}
