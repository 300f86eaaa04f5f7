//! Loads all that a group's decisions depend on, in an order that every transaction keeps: keys, members, wallets by
//! member. What was written by others before the wallets were locked is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId, RuleId};
use domain::limits::Limits;
use domain::loyalty::basket::{Basket, BasketError};
use domain::loyalty::purchase::{MemberState, Standing};
use domain::loyalty::rule::Rule;
use domain::loyalty::tier::TierMeasure;
use domain::loyalty::validity::{day_of, start_of_day};
use domain::loyalty::wallet::Wallet;
use domain::money::Points;
use domain::programme::ProgrammeSettings;
use sqlx::PgConnection;
use store::error::StoreError;
use store::kept_answers::{KeptAnswer, KeptContent};
use store::posting::named::{self, Named};
use store::posting::read::{self, Answer, Question};
use store::purchases::PurchaseRow;
use store::receipts::ReceiptKind;
use store::wallets::Counted;
use uuid::Uuid;

use super::counting;
use super::needs::LotNeeds;
use super::resolve::{self, Members, Naming, Strangers};
use super::{Order, PostItem, Stage, hour_of};
use crate::context::Context;
use crate::loyalty::wallets::{self, Beside};
use crate::members::{Proof, ResolvedMember, Unresolved};
use crate::vault::SealedField;

/// What was bought, order by order; none where nothing is.
pub(super) type Baskets = Vec<Option<Result<Basket, BasketError>>>;

/// All that a group's decisions depend on.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) stage: Stage,
    /// Order by order.
    pub(super) resolved: Vec<Result<ResolvedMember, Unresolved>>,
    /// Order by order: whether the key is free, for those that have one.
    pub(super) keys_free: Vec<Option<bool>>,
    pub(super) baskets: Baskets,
    /// Order by order: the rules that may concern it.
    pub(super) rules: Vec<Arc<[Rule]>>,
    pub(super) kept: BTreeMap<Uuid, KeptAnswer>,
    /// The purchases of kept answers.
    pub(super) kept_purchases: BTreeMap<Uuid, PurchaseRow>,
    pub(super) receipts: BTreeMap<(Uuid, ReceiptKind, String), Uuid>,
    pub(super) used_codes: BTreeSet<(Uuid, i64)>,
    pub(super) members: BTreeMap<MemberId, MemberState>,
    /// What counted toward their tiers before this group.
    pub(super) counted: BTreeMap<MemberId, Counted>,
    /// Members whom nobody knows yet; they are made if something is posted for them.
    pub(super) strangers: Strangers,
    pub(super) budgets: BTreeMap<RuleId, Points>,
    /// What refunds and ends of holds name.
    pub(super) named: Named,
    /// Refunds and references of holds.
    pub(super) beside: Beside,
    /// How often a member earned at a business today.
    pub(super) accruals: BTreeMap<(MemberId, BusinessId), u32>,
    /// How often a person at a till credited a member there today.
    pub(super) credited: BTreeMap<(MemberId, BusinessId, MemberId), u32>,
}

/// Loads a group under lock.
pub(super) async fn load(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    orders: &[Order],
    now: DateTime<Utc>,
) -> Result<Loaded, StoreError> {
    let named = named(conn, orders).await?;
    let digests: Vec<Option<Uuid>> = orders
        .iter()
        .map(|order| Some(order.key()?.digest()))
        .collect();
    let namings: Vec<Naming<'_>> = orders
        .iter()
        .map(|order| Naming::of(order, &named))
        .collect();
    let members = resolve::lock(conn, ctx, &namings, &digests).await?;
    finish(conn, ctx, stage, orders, &digests, (named, members), now).await
}

/// What was posted and is named now. It never changes, so it may be read before the lock; it tells whose wallets those are.
async fn named(conn: &mut PgConnection, orders: &[Order]) -> Result<Named, StoreError> {
    let (mut purchases, mut holds) = (Vec::new(), Vec::new());
    for order in orders {
        match order {
            Order::Purchase(_) | Order::MakeHold(_) => {}
            Order::Refund(item) => purchases.push(item.purchase.as_uuid()),
            Order::EndHold(item) => holds.push(item.hold.as_uuid()),
        }
    }
    named::read_across_businesses(conn, &purchases, &holds).await
}

/// Reads what depends on the wallets, once they are here.
async fn finish(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    orders: &[Order],
    digests: &[Option<Uuid>],
    (named, mut members): (Named, Members),
    now: DateTime<Utc>,
) -> Result<Loaded, StoreError> {
    let settings = &stage.frame.programme.settings;
    let purchases: Vec<Option<&PostItem>> = orders.iter().map(Order::purchase).collect();
    let baskets: Baskets = purchases
        .iter()
        .map(|item| Some(Basket::new(&(*item)?.basket, settings)))
        .collect();
    let rules = rules(conn, stage, &purchases, &baskets, now).await?;
    let lots = LotNeeds::of(orders, &named, &members, now);
    let beside = wallets::fill_asked(conn, &mut members.wallets, &lots.with_holds).await?;
    let first_day = counting::first_day(settings, now);
    let mut question = ask(&members, &lots, first_day);
    question.digests = digests.iter().flatten().copied().collect();
    question.receipts = orders
        .iter()
        .filter_map(|order| receipt_of(order, &named))
        .collect();
    ask_of_rules(&mut question, &purchases, &members, &rules);
    ask_of_limits(&mut question, &settings.limits, &purchases, &members);
    question.today = today(settings, now);
    let mut answer = read::read(conn, &question).await?;
    let counted = counting::count(&members.wallets, first_day, &answer.sums);
    answer.sums = counted
        .iter()
        .map(|(member, counted)| (*member, (counted.net_spend, counted.points_earned)))
        .collect();
    lots.more(conn, &mut members, &answer).await?;
    let kept_purchases = kept_purchases(conn, &answer).await?;
    let birthdays = rules
        .iter()
        .flat_map(|rules| rules.iter())
        .any(|rule| rule.definition.conditions.birthday.is_some());
    let states = states(ctx, stage, &mut members, &answer, birthdays, now);
    Ok(Loaded {
        stage: stage.clone(),
        resolved: members.of_orders,
        keys_free: members.keys_free,
        baskets,
        rules,
        kept: answer.kept,
        kept_purchases,
        receipts: answer.receipts,
        used_codes: answer.codes,
        members: states,
        counted,
        strangers: members.strangers,
        budgets: answer.budgets,
        named,
        beside,
        accruals: answer.accruals,
        credited: answer.credits,
    })
}

/// The purchases from which kept answers are made again.
async fn kept_purchases(
    conn: &mut PgConnection,
    answer: &Answer,
) -> Result<BTreeMap<Uuid, PurchaseRow>, StoreError> {
    let purchases: Vec<Uuid> = answer
        .kept
        .values()
        .filter_map(|kept| match kept.content {
            KeptContent::Purchase(id) => Some(id),
            KeptContent::Bytes { .. } => None,
        })
        .collect();
    store::purchases::get_many_across_businesses(conn, &purchases).await
}

/// The rules that may concern each order: none but purchases. Those of the present are in the stage; history asks the
/// database.
pub(super) async fn rules(
    conn: &mut PgConnection,
    stage: &Stage,
    items: &[Option<&PostItem>],
    baskets: &Baskets,
    now: DateTime<Utc>,
) -> Result<Vec<Arc<[Rule]>>, StoreError> {
    let none: Arc<[Rule]> = Arc::new([]);
    let mut old: Vec<(usize, BusinessId, DateTime<Utc>)> = Vec::new();
    let mut rules = Vec::with_capacity(items.len());
    for (index, (item, basket)) in items.iter().zip(baskets).enumerate() {
        let place = item.and_then(|item| stage.places.get(&item.business));
        let (Some(item), Some(place), Some(Ok(basket))) = (item, place, basket) else {
            rules.push(Arc::clone(&none));
            continue;
        };
        let categories = basket.lines.iter().map(|line| line.category.as_str());
        let moment = item.occurred_at.unwrap_or(now);
        rules.push(place.rules_for(moment, categories).unwrap_or_else(|| {
            old.push((index, item.business, moment));
            Arc::clone(&none)
        }));
    }
    let moments = || old.iter().map(|(.., moment)| *moment);
    let (Some(first), Some(last)) = (moments().min(), moments().max()) else {
        return Ok(rules);
    };
    let businesses: BTreeSet<BusinessId> = old.iter().map(|(_, business, _)| *business).collect();
    let ids: Vec<Uuid> = businesses
        .iter()
        .map(|business| business.as_uuid())
        .collect();
    let found = store::earning_rules::in_force_across_businesses(conn, &ids, first, last).await?;
    let of_business: BTreeMap<BusinessId, Arc<[Rule]>> = businesses
        .into_iter()
        .map(|business| {
            let own = found
                .iter()
                .filter(|rule| rule.business.is_none_or(|where_| where_ == business))
                .filter(|rule| rule.definition.active);
            (business, own.cloned().collect())
        })
        .collect();
    for (index, business, _) in old {
        if let Some(own) = of_business.get(&business) {
            rules[index] = Arc::clone(own);
        }
    }
    Ok(rules)
}

/// The receipt that an order takes.
fn receipt_of(order: &Order, named: &Named) -> Option<(Uuid, ReceiptKind, String)> {
    match order {
        Order::Purchase(item) => {
            let number = item.receipt_number.clone();
            Some((item.business.as_uuid(), ReceiptKind::Purchase, number))
        }
        Order::Refund(item) => {
            let sold = named.purchases.get(&item.purchase.as_uuid())?;
            let number = item.receipt_number.clone()?;
            Some((sold.business.as_uuid(), ReceiptKind::Refund, number))
        }
        Order::MakeHold(_) | Order::EndHold(_) => None,
    }
}

/// What is asked of the members, whatever the orders.
fn ask(members: &Members, lots: &LotNeeds, first_day: NaiveDate) -> Question {
    let resolved = members.of_orders.iter().flatten();
    Question {
        codes: resolved
            .filter_map(|found| match found.proof {
                Proof::Code { step } => Some((found.member.as_uuid(), step)),
                Proof::Weak | Proof::Found => None,
            })
            .collect(),
        members: members
            .wallets
            .keys()
            .map(|member| member.as_uuid())
            .collect(),
        days: counting::days_to_read(&members.wallets, first_day),
        all_lots_of: lots.all.iter().map(|member| member.as_uuid()).collect(),
        first_lots_of: lots.pay.keys().map(|member| member.as_uuid()).collect(),
        ..Question::default()
    }
}

/// What the rules of the purchases ask for.
fn ask_of_rules(
    question: &mut Question,
    items: &[Option<&PostItem>],
    members: &Members,
    rules: &[Arc<[Rule]>],
) {
    let mut visits = BTreeSet::new();
    let (mut capped, mut budgeted) = (BTreeSet::new(), BTreeSet::new());
    for ((item, found), rules) in items.iter().zip(&members.of_orders).zip(rules) {
        let (Some(item), Ok(found)) = (item, found) else {
            continue;
        };
        for rule in rules.iter() {
            if rule.definition.conditions.visit.is_some() {
                visits.insert((found.member.as_uuid(), item.business.as_uuid()));
            }
            if rule.definition.caps.per_member.is_some() {
                capped.insert(rule.id.as_uuid());
            }
            if rule.definition.caps.budget.is_some() {
                budgeted.insert(rule.id.as_uuid());
            }
        }
    }
    question.visits = visits.into_iter().collect();
    question.capped = capped.into_iter().collect();
    question.budgeted = budgeted.into_iter().collect();
}

/// What the limits at tills ask for. Visits and what was earned today stand in one row.
fn ask_of_limits(
    question: &mut Question,
    limits: &Limits,
    items: &[Option<&PostItem>],
    members: &Members,
) {
    let mut visits: BTreeSet<_> = question.visits.drain(..).collect();
    let mut credits = BTreeSet::new();
    for (item, found) in items.iter().zip(&members.of_orders) {
        let (Some(item), Ok(found)) = (item.filter(|item| item.import.is_none()), found) else {
            continue;
        };
        let (member, business) = (found.member.as_uuid(), item.business.as_uuid());
        if limits.member_accruals_day.is_some() {
            visits.insert((member, business));
        }
        if let Some(cashier) = item.cashier_member {
            credits.insert((member, business, cashier.as_uuid()));
        }
    }
    question.visits = visits.into_iter().collect();
    question.credits = credits.into_iter().collect();
}

/// The day of the programme's zone, and the hour in which it begins.
pub(super) fn today(
    settings: &ProgrammeSettings,
    now: DateTime<Utc>,
) -> (NaiveDate, DateTime<Utc>) {
    let day = day_of(now, settings.time_zone);
    let begins = start_of_day(day, settings.time_zone);
    (day, hour_of(begins.unwrap_or(now)))
}

/// What is known of each member, the strangers among them: with nothing, in the lowest tier.
pub(super) fn states(
    ctx: &Context,
    stage: &Stage,
    members: &mut Members,
    answer: &Answer,
    birthdays: bool,
    now: DateTime<Utc>,
) -> BTreeMap<MemberId, MemberState> {
    let settings = &stage.frame.programme.settings;
    let mut states = BTreeMap::new();
    let standings: BTreeMap<MemberId, Standing> = members
        .of_orders
        .iter()
        .filter_map(|found| found.as_ref().ok())
        .map(|found| (found.member, found.status.into()))
        .collect();
    for (member, row) in std::mem::take(&mut members.wallets) {
        let sealed = members.birthdays.get(&member).filter(|_| birthdays);
        let sums = answer.sums.get(&member).copied().unwrap_or((0, 0));
        let state = MemberState {
            wallet: row.wallet,
            standing: standings.get(&member).copied().unwrap_or(Standing::Closed),
            tier: row.tier,
            tier_since: row.tier_since,
            birthday: sealed.and_then(|sealed| birthday(ctx, member, sealed)),
            visits: BTreeMap::new(),
            measure: measure_of(settings, sums),
            usage: BTreeMap::new(),
        };
        states.insert(member, state);
    }
    for member in members.strangers.keys() {
        let state = MemberState {
            wallet: Wallet::empty(*member),
            standing: Standing::Waiting,
            tier: stage.frame.ladder.lowest().code.clone(),
            tier_since: now,
            birthday: None,
            visits: BTreeMap::new(),
            measure: 0,
            usage: BTreeMap::new(),
        };
        states.insert(*member, state);
    }
    for ((member, business), count) in &answer.visits {
        if let Some(state) = states.get_mut(member) {
            state.visits.insert(*business, *count);
        }
    }
    for (member, rule, start, granted) in &answer.usage {
        if let Some(state) = states.get_mut(member) {
            state.usage.insert((*rule, *start), *granted);
        }
    }
    states
}

fn measure_of(settings: &ProgrammeSettings, (net_spend, points_earned): (i64, i64)) -> i64 {
    match settings.tier_measure {
        TierMeasure::NetSpend => net_spend,
        TierMeasure::PointsEarned => points_earned,
    }
}

fn birthday(ctx: &Context, member: MemberId, sealed: &[u8]) -> Option<NaiveDate> {
    let row = member.as_uuid();
    match ctx
        .vault()
        .open_text(SealedField::MemberBirthday, row.as_bytes(), sealed)
    {
        Ok(text) => text.parse().ok(),
        Err(error) => {
            tracing::error!(%member, %error, "a birthday does not open; birthday rules pass this member by");
            None
        }
    }
}
