//! Loads all that a group's decisions depend on, in an order that every transaction keeps: keys, members, wallets by
//! member. What was written by others before the wallets were locked is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId, RuleId};
use domain::loyalty::basket::{Basket, BasketError};
use domain::loyalty::purchase::{MemberState, Spend, Standing};
use domain::loyalty::rule::Rule;
use domain::loyalty::tier::TierMeasure;
use domain::loyalty::validity::day_of;
use domain::loyalty::wallet::Wallet;
use domain::money::Points;
use domain::programme::ProgrammeSettings;
use sqlx::PgConnection;
use store::error::StoreError;
use store::kept_answers::{KeptAnswer, KeptContent};
use store::posting::read::{self, Answer, FIRST_LOTS, Question};
use store::purchases::PurchaseRow;
use store::receipts::ReceiptKind;
use uuid::Uuid;

use super::resolve::{self, Members, Strangers};
use super::{PostItem, Stage};
use crate::context::Context;
use crate::loyalty::wallets::{self, Needs};
use crate::members::{Proof, ResolvedMember, Unresolved};
use crate::vault::SealedField;

/// All that a group's decisions depend on.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) stage: Stage,
    /// Item by item.
    pub(super) resolved: Vec<Result<ResolvedMember, Unresolved>>,
    /// Item by item: whether the key is free, for items that have one.
    pub(super) keys_free: Vec<Option<bool>>,
    /// Item by item: what was bought.
    pub(super) baskets: Vec<Result<Basket, BasketError>>,
    /// Item by item: the rules that may concern it.
    pub(super) rules: Vec<Arc<[Rule]>>,
    pub(super) kept: BTreeMap<Uuid, KeptAnswer>,
    /// The purchases of kept answers.
    pub(super) kept_purchases: BTreeMap<Uuid, PurchaseRow>,
    pub(super) receipts: BTreeMap<(Uuid, String), Uuid>,
    pub(super) used_codes: BTreeSet<(Uuid, i64)>,
    pub(super) members: BTreeMap<MemberId, MemberState>,
    /// Members whom nobody knows yet; they are made if something is posted for them.
    pub(super) strangers: Strangers,
    pub(super) budgets: BTreeMap<RuleId, Points>,
}

/// Loads a group under lock.
pub(super) async fn load(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    items: &[PostItem],
    now: DateTime<Utc>,
) -> Result<Loaded, StoreError> {
    let digests: Vec<Option<Uuid>> = items
        .iter()
        .map(|item| item.idempotency.as_ref().map(|(key, _)| key.digest()))
        .collect();
    let members = resolve::lock(conn, ctx, items, &digests).await?;
    finish(conn, ctx, stage, items, &digests, members, now).await
}

/// Reads what depends on the wallets, once they are here.
pub(super) async fn finish(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    items: &[PostItem],
    digests: &[Option<Uuid>],
    mut members: Members,
    now: DateTime<Utc>,
) -> Result<Loaded, StoreError> {
    let settings = &stage.frame.programme.settings;
    let baskets: Vec<Result<Basket, BasketError>> = items
        .iter()
        .map(|item| Basket::new(&item.basket, settings))
        .collect();
    let rules = rules(conn, stage, items, &baskets, now).await?;
    let lots = LotNeeds::of(items, &members, now);
    wallets::fill(conn, &mut members.wallets, &lots.with_holds, now).await?;
    let question = ask(stage, items, digests, &members, &rules, &lots, now);
    let answer = read::read(conn, &question).await?;
    lots.more(conn, &mut members, &answer).await?;
    let purchases: Vec<Uuid> = answer
        .kept
        .values()
        .filter_map(|kept| match kept.content {
            KeptContent::Purchase(id) => Some(id),
            KeptContent::Bytes { .. } => None,
        })
        .collect();
    let kept_purchases = store::purchases::get_many_across_businesses(conn, &purchases).await?;
    let birthdays = rules
        .iter()
        .flat_map(|rules| rules.iter())
        .any(|rule| rule.definition.conditions.birthday.is_some());
    let states = states(ctx, stage, &mut members, &answer, birthdays, now);
    Ok(Loaded {
        stage: stage.clone(),
        resolved: members.of_items,
        keys_free: members.keys_free,
        baskets,
        rules,
        kept: answer.kept,
        kept_purchases,
        receipts: answer
            .receipts
            .into_iter()
            .map(|((business, _, number), id)| ((business, number), id))
            .collect(),
        used_codes: answer.codes,
        members: states,
        strangers: members.strangers,
        budgets: answer.budgets,
    })
}

/// The rules that may concern each item. Those of the present are in the stage; history asks the database.
async fn rules(
    conn: &mut PgConnection,
    stage: &Stage,
    items: &[PostItem],
    baskets: &[Result<Basket, BasketError>],
    now: DateTime<Utc>,
) -> Result<Vec<Arc<[Rule]>>, StoreError> {
    let none: Arc<[Rule]> = Arc::new([]);
    let mut old: Vec<usize> = Vec::new();
    let mut rules = Vec::with_capacity(items.len());
    for (index, (item, basket)) in items.iter().zip(baskets).enumerate() {
        let (Some(place), Ok(basket)) = (stage.places.get(&item.business), basket) else {
            rules.push(Arc::clone(&none));
            continue;
        };
        let categories = basket.lines.iter().map(|line| line.category.as_str());
        let moment = item.occurred_at.unwrap_or(now);
        rules.push(place.rules_for(moment, categories).unwrap_or_else(|| {
            old.push(index);
            Arc::clone(&none)
        }));
    }
    let moments = || old.iter().filter_map(|index| items[*index].occurred_at);
    let (Some(first), Some(last)) = (moments().min(), moments().max()) else {
        return Ok(rules);
    };
    let businesses: BTreeSet<BusinessId> = old.iter().map(|index| items[*index].business).collect();
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
    for index in old {
        if let Some(own) = of_business.get(&items[index].business) {
            rules[index] = Arc::clone(own);
        }
    }
    Ok(rules)
}

/// Whose lots are needed, and how many of them.
#[derive(Debug, Default)]
struct LotNeeds {
    /// All of them, because something is due.
    all: BTreeSet<MemberId>,
    /// Enough to pay so many points.
    pay: BTreeMap<MemberId, Points>,
    /// All of them, and holds as well.
    with_holds: Needs,
}

impl LotNeeds {
    fn of(items: &[PostItem], members: &Members, now: DateTime<Utc>) -> Self {
        let mut needs = Self::default();
        for (item, found) in items.iter().zip(&members.of_items) {
            let Ok(found) = found else { continue };
            match item.spend {
                Spend::Nothing => {}
                Spend::Points(points) => {
                    let sum = needs.pay.entry(found.member).or_default();
                    *sum = sum
                        .plus(points)
                        .unwrap_or(Points::from_hundredths(i64::MAX));
                }
                Spend::Hold(hold, _) => {
                    needs.with_holds.lots_of.insert(found.member);
                    needs.with_holds.holds.insert(hold);
                }
            }
        }
        for (member, row) in &members.wallets {
            let due = row.wallet.next_change_at.is_some_and(|at| at <= now);
            if due && row.wallet.held.is_positive() {
                needs.with_holds.lots_of.insert(*member);
            } else if due {
                needs.all.insert(*member);
            }
        }
        needs
            .all
            .retain(|member| !needs.with_holds.lots_of.contains(member));
        let (all, with_holds) = (&needs.all, &needs.with_holds.lots_of);
        needs
            .pay
            .retain(|member, _| !all.contains(member) && !with_holds.contains(member));
        needs
    }

    /// Puts the lots into the wallets. Where the first lots do not pay enough, the others are read as well.
    async fn more(
        &self,
        conn: &mut PgConnection,
        members: &mut Members,
        answer: &Answer,
    ) -> Result<(), StoreError> {
        for lot in &answer.lots {
            if let Some(row) = members.wallets.get_mut(&lot.member) {
                row.wallet.lots.insert(lot.id, lot.clone());
            }
        }
        let mut short = Vec::new();
        for (member, points) in &self.pay {
            let Some(row) = members.wallets.get_mut(member) else {
                continue;
            };
            let sum = Points::sum(row.wallet.lots.values().map(|lot| lot.remaining));
            let covered = sum.is_ok_and(|sum| sum >= *points);
            row.wallet.lots_loaded = true;
            if row.wallet.lots.len() >= FIRST_LOTS && !covered {
                short.push(member.as_uuid());
            }
        }
        for member in &self.all {
            if let Some(row) = members.wallets.get_mut(member) {
                row.wallet.lots_loaded = true;
            }
        }
        if !short.is_empty() {
            for lot in store::lots::open_of_members(conn, &short, &[]).await? {
                if let Some(row) = members.wallets.get_mut(&lot.member) {
                    row.wallet.lots.insert(lot.id, lot);
                }
            }
        }
        Ok(())
    }
}

fn ask(
    stage: &Stage,
    items: &[PostItem],
    digests: &[Option<Uuid>],
    members: &Members,
    rules: &[Arc<[Rule]>],
    lots: &LotNeeds,
    now: DateTime<Utc>,
) -> Question {
    let settings = &stage.frame.programme.settings;
    let today = day_of(now, settings.time_zone);
    let window = Days::new(u64::from(settings.tier_window_days.saturating_sub(1)));
    let mut question = Question {
        digests: digests.iter().flatten().copied().collect(),
        receipts: items
            .iter()
            .map(|item| {
                let number = item.receipt_number.clone();
                (item.business.as_uuid(), ReceiptKind::Purchase, number)
            })
            .collect(),
        members: members
            .wallets
            .keys()
            .map(|member| member.as_uuid())
            .collect(),
        window: (today.checked_sub_days(window).unwrap_or(today), today),
        all_lots_of: lots.all.iter().map(|member| member.as_uuid()).collect(),
        first_lots_of: lots.pay.keys().map(|member| member.as_uuid()).collect(),
        ..Question::default()
    };
    let mut visits = BTreeSet::new();
    let (mut capped, mut budgeted) = (BTreeSet::new(), BTreeSet::new());
    for ((item, found), rules) in items.iter().zip(&members.of_items).zip(rules) {
        let Ok(found) = found else { continue };
        if let Proof::Code { step } = found.proof {
            question.codes.push((found.member.as_uuid(), step));
        }
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
    question
}

/// What is known of each member, the strangers among them: with nothing, in the lowest tier.
fn states(
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
        .of_items
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
