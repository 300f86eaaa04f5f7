//! Sets the stage through the same use cases as everything else: businesses with tills, members known by phone, members
//! who join, an admin, promotions.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::TimeDelta;
use connectors::sms::RecordingSms;
use domain::ids::BusinessId;
use domain::loyalty::lot::Funder;
use domain::loyalty::rule::{Caps, Conditions, Reward, RuleDefinition};
use domain::money::{BasisPoints, Money};
use domain::people::Locale;
use domain::phone::{Phone, Region};
use domain::rights::{OperatorRole, Scope};
use domain::text::{Slug, Text};
use services::auth::Tokens;
use services::auth::code_rules::CodeRules;
use services::auth::integration_keys::{self, CreateIntegrationKey};
use services::auth::origin::Origin;
use services::auth::refresh::refresh;
use services::auth::request_code::{RequestCode, request_code};
use services::auth::sign_in::{SignIn, sign_in};
use services::businesses::{CreateBusiness, create_as_system};
use services::caller::OperatorCaller;
use services::clock::Clock;
use services::context::{Context, ContextParts, ServiceConfig};
use services::ids::IdSource;
use services::loyalty::earning_rules::{self, NewRule};
use services::members::{Joining, MemberReference, OnUnknown, grant_operator, resolve_members};
use services::notifications::development_outbox;
use services::programme::{self, ChangeProgramme};
use services::transaction;
use services::vault::Vault;
use uuid::Uuid;

use crate::population::phone;

/// What a purchase earns of its money in basis points: 5 percent, everywhere.
pub(crate) const BASE_RATE: u32 = 500;

/// Bills above all that the bench makes; up to these points pay without a code.
const WITHOUT_CODE: i64 = 100_000_000;

/// How long ago the lots to be spent three at a time were earned: they expire before all others, so they go first.
pub(crate) const LOTS_AGE: TimeDelta = TimeDelta::days(90);

/// How long ago the stock was earned of which a few points are spent at a time: it goes next.
pub(crate) const STOCK_AGE: TimeDelta = TimeDelta::days(60);

/// The bill of that stock, in kopecks.
pub(crate) const STOCK_BILL: usize = 2_000_000;

/// How many members one transaction makes.
const GROUP: usize = 500;

/// How many things are done at a time.
const SIDE_BY_SIDE: usize = 2;

/// Businesses that have promotions and no buyers.
const QUIET_BUSINESSES: u32 = 50;

/// A category of the programme that is on no bill of the bench.
const NOBODY_BUYS: &str = "alcohol";

/// What the names of the businesses begin with.
pub(crate) const NAME: &str = "bench";

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
            codes: CodeRules::unlimited(),
            ..ServiceConfig::default()
        },
    }))
}

/// Makes businesses, each with the key of a till.
///
/// # Errors
/// If a service refuses or the database fails.
pub(crate) async fn businesses(ctx: &Context, name: &str, count: u32) -> anyhow::Result<Vec<Shop>> {
    let mut shops = Vec::new();
    for number in 0..count {
        let slug = format!("{name}-{number}");
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

/// Has members join with a code by phone; gives their tokens in the same order.
///
/// # Errors
/// If a service refuses or the database fails.
pub(crate) async fn join(ctx: &Context, members: Vec<usize>) -> anyhow::Result<Vec<Tokens>> {
    each_of(ctx, members, |ctx, member| async move {
        let phone = parsed(member)?;
        let asked = RequestCode {
            phone: phone.clone(),
            locale: Locale::Ru,
            origin: Origin::default(),
        };
        let challenge = request_code(&ctx, asked).await?.id;
        let newest = development_outbox::list(&ctx, Some(&phone), 1).await?;
        let text = &newest.first().context("no message was kept")?.text;
        let (_, code) = text.rsplit_once('#').context("a message without a code")?;
        let entry = SignIn {
            phone,
            challenge,
            code: code.to_owned(),
            device: None,
            origin: Origin::default(),
            joining: Joining::agreeing(&ctx).await?,
            recovery_code: None,
        };
        Ok(sign_in(&ctx, entry).await?)
    })
    .await
}

/// Renews tokens.
///
/// # Errors
/// If a service refuses or the database fails.
pub(crate) async fn renew(ctx: &Context, tokens: Vec<Tokens>) -> anyhow::Result<Vec<Tokens>> {
    each_of(ctx, tokens, |ctx, token| async move {
        Ok(refresh(&ctx, &token.refresh_token, &Origin::default()).await?)
    })
    .await
}

/// Does something with each of a list, a few at a time; the results have the order of the list.
async fn each_of<I, O, F, W>(ctx: &Context, list: Vec<I>, work: F) -> anyhow::Result<Vec<O>>
where
    I: Send + 'static,
    O: Send + 'static,
    F: Fn(Context, I) -> W + Copy + Send + 'static,
    W: Future<Output = anyhow::Result<O>> + Send,
{
    let part = list.len().div_ceil(SIDE_BY_SIDE).max(1);
    let mut rest = list.into_iter();
    let mut parts = Vec::new();
    for _ in 0..SIDE_BY_SIDE {
        let own: Vec<I> = rest.by_ref().take(part).collect();
        let ctx = ctx.clone();
        parts.push(tokio::spawn(async move {
            let mut done = Vec::with_capacity(own.len());
            for item in own {
                done.push(work(ctx.clone(), item).await?);
            }
            anyhow::Ok(done)
        }));
    }
    let mut all = Vec::new();
    for part in parts {
        all.extend(part.await??);
    }
    Ok(all)
}

/// Has a member run the programme, and sign in as that.
///
/// # Errors
/// If a service refuses or the database fails.
pub(crate) async fn admin(ctx: &Context, member: usize) -> anyhow::Result<Tokens> {
    grant_operator(ctx, &parsed(member)?, OperatorRole::Admin).await?;
    join(ctx, vec![member])
        .await?
        .pop()
        .context("nobody joined")
}

/// Lets a member earn at one business as often as loads have it: the hottest buys a thousand times within seconds. The
/// limit is asked for all the same.
///
/// # Errors
/// If a service refuses or the database fails.
pub(crate) async fn raise_limits(ctx: &Context) -> anyhow::Result<()> {
    let programme = programme::current(ctx).await?;
    let mut settings = programme.settings.clone();
    settings.limits.member_accruals_day = Some(1_000_000);
    let change = ChangeProgramme {
        version: programme.version,
        settings,
    };
    programme::change(ctx, &operator(ctx), change).await?;
    Ok(())
}

/// Somebody with all rights of an operator.
fn operator(ctx: &Context) -> OperatorCaller {
    OperatorCaller {
        member: ctx.ids().next(),
        session: ctx.ids().next(),
        roles: vec![OperatorRole::Admin],
    }
}

/// Adds active promotions that concern no purchase of the bench: half of them at businesses where nobody buys, half
/// everywhere for a category that nobody buys.
///
/// # Errors
/// If a service refuses or the database fails.
pub(crate) async fn promotions(ctx: &Context, count: u32) -> anyhow::Result<()> {
    let elsewhere = businesses(ctx, "quiet", QUIET_BUSINESSES).await?;
    let rules = (0..count).map(|number| {
        let place = usize::try_from(number / 2).unwrap_or(0) % elsewhere.len().max(1);
        let business = number.is_multiple_of(2).then(|| elsewhere[place].id);
        (number, business)
    });
    each_of(ctx, rules.collect(), |ctx, (number, business)| async move {
        let caller = operator(&ctx);
        let mut conditions = Conditions::default();
        if business.is_none() {
            conditions.categories.insert(NOBODY_BUYS.to_owned());
        }
        let rule = NewRule {
            business,
            funder: business.map_or(Funder::Programme, Funder::Business),
            effective_from: None,
            effective_until: None,
            definition: RuleDefinition {
                name_ru: format!("Акция {number}"),
                name_en: format!("Promotion {number}"),
                active: true,
                reward: Reward::ExtraRate {
                    rate: BasisPoints::new(100),
                },
                conditions,
                caps: Caps::default(),
                activation_delay_hours: None,
                validity: None,
            },
        };
        earning_rules::add(&ctx, &caller, rule).await?;
        Ok(())
    })
    .await?;
    Ok(())
}
