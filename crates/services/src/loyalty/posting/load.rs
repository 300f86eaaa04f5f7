//! Loads all that a group's decisions depend on: under lock, in an order that every transaction keeps (keys, members,
//! wallets by member), so that what was written by others before is seen; or, where the orders are plain purchases, with
//! one look and without a lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId, RuleId};
use domain::loyalty::basket::{Basket, BasketError};
use domain::loyalty::purchase::{MemberState, Spend, Standing};
use domain::loyalty::rule::Rule;
use domain::loyalty::tier::TierMeasure;
use domain::loyalty::wallet::Wallet;
use domain::money::Points;
use domain::programme::ProgrammeSettings;
use sqlx::PgConnection;
use store::error::StoreError;
use store::kept_answers::{KeptAnswer, KeptContent};
use store::posting::lock::lock;
use store::posting::look::{Answer, look};
use store::posting::named::{self, Named};
use store::purchases::PurchaseRow;
use store::receipts::ReceiptKind;
use store::wallets::Counted;
use uuid::Uuid;

use super::ask::{Asking, ask};
use super::counting;
use super::needs::LotNeeds;
use super::resolve::{Members, Strangers};
use super::{Order, Stage};
use crate::context::Context;
use crate::loyalty::wallets::{self, Beside, Needs};
use crate::members::{ResolvedMember, Unresolved};
use crate::touched;
use crate::vault::SealedField;

/// What was bought, order by order; none where nothing is.
pub(super) type Baskets = Vec<Option<Result<Basket, BasketError>>>;

/// All that a group's decisions depend on.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) stage: Stage,
    /// The versions of the wallets, if they are not locked.
    pub(super) versions: Option<BTreeMap<MemberId, i64>>,
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
    let asking = ask(conn, ctx, stage, orders, &named, now).await?;
    let question = &asking.question;
    let locked = lock(conn, &question.digests, &question.names).await?;
    touched::note(locked.members.iter().copied());
    let mut answer = look(conn, question).await?;
    let mut found = answer.wallets.keys();
    if !found.all(|member| locked.members.contains(member)) {
        // A name has come to mean somebody else while the locks were waited for.
        return Err(StoreError::overtaken());
    }
    let mut members = Members::of(ctx, &asking.namings, &asking.places, &mut answer)?;
    let lots = LotNeeds::of(orders, &named, &members, now);
    let beside = wallets::fill_asked(conn, &mut members.wallets, &lots.with_holds).await?;
    let short = lots.fill(&mut members, &answer.lots);
    if !short.is_empty() {
        let all = store::lots::open_of_members(conn, &short, &[]).await?;
        lots.fill(&mut members, &all);
    }
    let mut free = locked.keys_free.into_iter();
    let digests = asking.digests.iter();
    let keys_free = digests
        .map(|digest| digest.and_then(|_| free.next()))
        .collect();
    Ok(Loaded {
        versions: None,
        keys_free,
        named,
        beside,
        ..finish(conn, ctx, stage, asking, members, answer).await?
    })
}

/// Loads a group without a lock, to be written on the condition that no wallet has changed since; none: it can't be
/// written by one statement, or one look does not tell enough.
pub(super) async fn load_unlocked(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    orders: &[Order],
    now: DateTime<Utc>,
) -> Result<Option<Loaded>, StoreError> {
    let plain = |order: &Order| {
        let item = order.purchase();
        item.is_some_and(|item| !matches!(item.spend, Spend::Hold(..)))
    };
    if !orders.iter().all(plain) {
        return Ok(None);
    }
    let asking = ask(conn, ctx, stage, orders, &Named::default(), now).await?;
    if !asking.question.budgeted.is_empty() {
        return Ok(None);
    }
    let mut answer = look(conn, &asking.question).await?;
    touched::note(answer.wallets.keys().copied());
    let mut names = asking.namings.iter().zip(&asking.places);
    if names.any(|(naming, place)| naming.makes(place.and_then(|place| answer.named.get(&place)))) {
        return Ok(None);
    }
    let mut members = Members::of(ctx, &asking.namings, &asking.places, &mut answer)?;
    let lots = LotNeeds::of(orders, &Named::default(), &members, now);
    let short = lots.fill(&mut members, &answer.lots);
    if lots.with_holds != Needs::default() || !short.is_empty() {
        return Ok(None);
    }
    let loaded = finish(conn, ctx, stage, asking, members, answer).await?;
    Ok(Some(loaded))
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

/// Puts together what was read, as of a group without locks; only what never changes is read here.
async fn finish(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    asking: Asking<'_>,
    mut members: Members,
    mut answer: Answer,
) -> Result<Loaded, StoreError> {
    let question = &asking.question;
    let counted = counting::count(&members.wallets, question.counts_from, &answer.sums);
    answer.sums = counted
        .iter()
        .map(|(member, counted)| (*member, (counted.net_spend, counted.points_earned)))
        .collect();
    let kept_purchases = kept_purchases(conn, &answer).await?;
    let birthdays = asking
        .rules
        .iter()
        .flat_map(|rules| rules.iter())
        .any(|rule| rule.definition.conditions.birthday.is_some());
    let states = states(ctx, stage, &mut members, &answer, birthdays, question.now);
    let digests = asking.digests.iter();
    Ok(Loaded {
        stage: stage.clone(),
        versions: Some(answer.versions),
        resolved: members.of_orders,
        keys_free: digests.map(|digest| digest.map(|_| true)).collect(),
        baskets: asking.baskets,
        rules: asking.rules,
        kept: answer.kept,
        kept_purchases,
        receipts: answer.receipts,
        used_codes: answer.codes,
        members: states,
        counted,
        strangers: members.strangers,
        budgets: answer.budgets,
        named: Named::default(),
        beside: Beside::default(),
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
