//! Loads all that a group's decisions depend on, in an order that every transaction keeps: keys, members, wallets by
//! member, budgets by rule. What was written by others before the wallets were locked is seen.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::ids::{BusinessId, LocationId, MemberId, RuleId};
use domain::loyalty::purchase::{MemberState, Spend, Standing};
use domain::loyalty::rule::Rule;
use domain::loyalty::tier::TierMeasure;
use domain::loyalty::validity::day_of;
use domain::loyalty::wallet::Wallet;
use domain::money::Points;
use domain::people::MemberStatus;
use domain::programme::ProgrammeSettings;
use sqlx::PgConnection;
use store::error::StoreError;
use store::idempotency_keys::{KeptAnswer, ScopedKey};
use store::posting::{BusinessTerms, MemberFacts};
use store::receipts::ReceiptKind;
use store::wallets::WalletRow;
use uuid::Uuid;

use super::PostItem;
use crate::context::Context;
use crate::loyalty::ladder::Frame;
use crate::loyalty::wallets::{self, Needs};
use crate::members::{
    MemberReference, OnUnknown, Proof, ResolvedMember, Unresolved, resolve_members,
};
use crate::vault::SealedField;

/// How people whom nobody knows yet were named, by the identifier that they will have.
pub(super) type Strangers = BTreeMap<MemberId, (BusinessId, MemberReference)>;

/// All that a group's decisions depend on.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) frame: Frame,
    pub(super) terms: BTreeMap<BusinessId, BusinessTerms>,
    pub(super) locations: BTreeSet<(BusinessId, LocationId)>,
    /// Item by item.
    pub(super) resolved: Vec<Result<ResolvedMember, Unresolved>>,
    /// Item by item: whether the key is free, for items that have one.
    pub(super) keys_taken: Vec<Option<bool>>,
    pub(super) kept: BTreeMap<ScopedKey, KeptAnswer>,
    pub(super) receipts: BTreeMap<(Uuid, String), Uuid>,
    pub(super) used_codes: BTreeSet<(Uuid, i64)>,
    pub(super) members: BTreeMap<MemberId, MemberState>,
    /// Members whom nobody knows yet; they are made if something is posted for them.
    pub(super) strangers: Strangers,
    pub(super) rules: BTreeMap<BusinessId, Vec<Rule>>,
    pub(super) budgets: BTreeMap<RuleId, Points>,
}

/// Loads a group under lock.
pub(super) async fn load(
    conn: &mut PgConnection,
    ctx: &Context,
    frame: &Frame,
    items: &[PostItem],
    now: DateTime<Utc>,
) -> Result<Loaded, StoreError> {
    let keys: Vec<ScopedKey> = items
        .iter()
        .filter_map(|item| item.idempotency.as_ref().map(|(key, _)| key.scoped()))
        .collect();
    let taken = if keys.is_empty() {
        Vec::new()
    } else {
        store::idempotency_keys::try_lock(conn, &keys).await?
    };
    let mut taken = taken.into_iter();
    let keys_taken: Vec<Option<bool>> = items
        .iter()
        .map(|item| item.idempotency.as_ref().and_then(|_| taken.next()))
        .collect();
    let (resolved, strangers) = resolve(conn, ctx, items).await?;
    let ids: BTreeSet<MemberId> = resolved
        .iter()
        .filter_map(|found| found.as_ref().ok().map(|found| found.member))
        .filter(|member| !strangers.contains_key(member))
        .collect();
    let wallets = wallets::load(conn, &ids, &needs(items, &resolved), now).await?;
    let mut loaded = read(conn, ctx, frame, items, resolved, wallets, now).await?;
    loaded.welcome(strangers, now);
    loaded.keys_taken = keys_taken;
    loaded.kept = store::idempotency_keys::find(conn, &keys).await?;
    loaded.budgets = store::earning_rules::lock_budgets(conn, &budgeted(&loaded.rules)).await?;
    Ok(loaded)
}

/// Loads for one purchase without locks.
pub(super) async fn load_for_quote(
    conn: &mut PgConnection,
    ctx: &Context,
    frame: &Frame,
    item: &PostItem,
    now: DateTime<Utc>,
) -> Result<Loaded, StoreError> {
    let one = std::slice::from_ref(item);
    let (resolved, strangers) = resolve(conn, ctx, one).await?;
    let mut rows = BTreeMap::new();
    if let Some(Ok(found)) = resolved.first() {
        if let Some(row) = store::wallets::get(conn, found.member.as_uuid()).await? {
            rows.insert(found.member, row);
        }
        let mut needs = needs(one, &resolved);
        needs.lots_of.insert(found.member);
        wallets::fill(conn, &mut rows, &needs, now).await?;
    }
    let mut loaded = read(conn, ctx, frame, one, resolved, rows, now).await?;
    loaded.welcome(strangers, now);
    loaded.keys_taken = vec![None];
    loaded.budgets = store::earning_rules::budgets(conn, &budgeted(&loaded.rules)).await?;
    Ok(loaded)
}

impl Loaded {
    /// Takes in members whom nobody knows yet: with nothing, in the lowest tier.
    fn welcome(&mut self, strangers: Strangers, now: DateTime<Utc>) {
        for member in strangers.keys() {
            let state = MemberState {
                wallet: Wallet::empty(*member),
                standing: Standing::Waiting,
                tier: self.frame.ladder.lowest().code.clone(),
                tier_since: now,
                birthday: None,
                visits: BTreeMap::new(),
                measure: 0,
                usage: BTreeMap::new(),
            };
            self.members.insert(*member, state);
        }
        self.strangers = strangers;
    }
}

/// Finds the member of each item, one call a business; a phone or customer number that nobody has becomes a stranger.
async fn resolve(
    conn: &mut PgConnection,
    ctx: &Context,
    items: &[PostItem],
) -> Result<(Vec<Result<ResolvedMember, Unresolved>>, Strangers), StoreError> {
    let mut places: BTreeMap<BusinessId, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        places.entry(item.business).or_default().push(index);
    }
    let mut resolved = vec![Err(Unresolved::Unknown); items.len()];
    for (business, indexes) in places {
        let references: Vec<MemberReference> = indexes
            .iter()
            .map(|index| items[*index].member.clone())
            .collect();
        let found = resolve_members(conn, ctx, business, &references, OnUnknown::Refuse).await?;
        for (index, found) in indexes.into_iter().zip(found) {
            resolved[index] = found;
        }
    }
    let mut strangers = Strangers::new();
    let mut named: BTreeMap<(Option<BusinessId>, String), MemberId> = BTreeMap::new();
    for (item, found) in items.iter().zip(&mut resolved) {
        let name = match &item.member {
            MemberReference::Phone(phone) => (None, phone.e164().to_owned()),
            MemberReference::Alias(alias) => (Some(item.business), alias.clone()),
            _ => continue,
        };
        if *found == Err(Unresolved::Unknown) {
            let member = *named.entry(name).or_insert_with(|| ctx.ids().next());
            strangers.insert(member, (item.business, item.member.clone()));
            *found = Ok(ResolvedMember {
                member,
                status: MemberStatus::Waiting,
                proof: Proof::Weak,
            });
        }
    }
    Ok((resolved, strangers))
}

/// The rules that have a budget.
fn budgeted(rules: &BTreeMap<BusinessId, Vec<Rule>>) -> Vec<Uuid> {
    let budgeted: BTreeSet<Uuid> = rules
        .values()
        .flatten()
        .filter(|rule| rule.definition.caps.budget.is_some())
        .map(|rule| rule.id.as_uuid())
        .collect();
    budgeted.into_iter().collect()
}

fn needs(items: &[PostItem], resolved: &[Result<ResolvedMember, Unresolved>]) -> Needs {
    let mut needs = Needs::default();
    for (item, found) in items.iter().zip(resolved) {
        let Ok(found) = found else { continue };
        match item.spend {
            Spend::Nothing => {}
            Spend::Points(_) => {
                needs.lots_of.insert(found.member);
            }
            Spend::Hold(hold, _) => {
                needs.lots_of.insert(found.member);
                needs.holds.insert(hold);
            }
        }
    }
    needs
}

/// What is read without locks of its own, after the wallets are locked.
async fn read(
    conn: &mut PgConnection,
    ctx: &Context,
    frame: &Frame,
    items: &[PostItem],
    resolved: Vec<Result<ResolvedMember, Unresolved>>,
    wallets: BTreeMap<MemberId, WalletRow>,
    now: DateTime<Utc>,
) -> Result<Loaded, StoreError> {
    let businesses: BTreeSet<BusinessId> = items.iter().map(|item| item.business).collect();
    let business_ids: Vec<Uuid> = businesses
        .iter()
        .map(|business| business.as_uuid())
        .collect();
    let terms = store::posting::terms(conn, &business_ids).await?;
    let locations: Vec<Uuid> = items
        .iter()
        .filter_map(|item| item.location.map(Uuid::from))
        .collect();
    let locations = store::posting::locations_across_businesses(conn, &locations).await?;
    let rules = rules(conn, items, &businesses, now).await?;
    let members = members(
        conn,
        ctx,
        &frame.programme.settings,
        wallets,
        &business_ids,
        &rules,
        now,
    )
    .await?;

    let receipt_businesses: Vec<Uuid> = items.iter().map(|item| item.business.as_uuid()).collect();
    let numbers: Vec<String> = items
        .iter()
        .map(|item| item.receipt_number.clone())
        .collect();
    let receipts =
        store::receipts::find(conn, ReceiptKind::Purchase, &receipt_businesses, &numbers).await?;
    let steps: Vec<(Uuid, i64)> = resolved
        .iter()
        .filter_map(|found| found.as_ref().ok())
        .filter_map(|found| match found.proof {
            Proof::Code { step } => Some((found.member.as_uuid(), step)),
            Proof::Weak => None,
        })
        .collect();
    let (coded, steps): (Vec<Uuid>, Vec<i64>) = steps.into_iter().unzip();
    let used_codes = store::used_member_codes::find(conn, &coded, &steps).await?;
    Ok(Loaded {
        frame: frame.clone(),
        terms,
        locations,
        resolved,
        keys_taken: Vec::new(),
        kept: BTreeMap::new(),
        receipts,
        used_codes,
        members,
        strangers: Strangers::new(),
        rules,
        budgets: BTreeMap::new(),
    })
}

/// The rules of each business, those that hold everywhere among them.
async fn rules(
    conn: &mut PgConnection,
    items: &[PostItem],
    businesses: &BTreeSet<BusinessId>,
    now: DateTime<Utc>,
) -> Result<BTreeMap<BusinessId, Vec<Rule>>, StoreError> {
    let moments = || items.iter().map(|item| item.occurred_at.unwrap_or(now));
    let (Some(first), Some(last)) = (moments().min(), moments().max()) else {
        return Ok(BTreeMap::new());
    };
    let ids: Vec<Uuid> = businesses
        .iter()
        .map(|business| business.as_uuid())
        .collect();
    let rules = store::earning_rules::in_force_across_businesses(conn, &ids, first, last).await?;
    Ok(businesses
        .iter()
        .map(|business| {
            let own = rules
                .iter()
                .filter(|rule| rule.business.is_none_or(|where_| where_ == *business))
                .filter(|rule| rule.definition.active);
            (*business, own.cloned().collect())
        })
        .collect())
}

async fn members(
    conn: &mut PgConnection,
    ctx: &Context,
    settings: &ProgrammeSettings,
    wallets: BTreeMap<MemberId, WalletRow>,
    businesses: &[Uuid],
    rules: &BTreeMap<BusinessId, Vec<Rule>>,
    now: DateTime<Utc>,
) -> Result<BTreeMap<MemberId, MemberState>, StoreError> {
    let ids: Vec<Uuid> = wallets.keys().map(|member| member.as_uuid()).collect();
    let facts = store::posting::facts(conn, &ids).await?;
    let today = day_of(now, settings.time_zone);
    let first = today
        .checked_sub_days(Days::new(u64::from(
            settings.tier_window_days.saturating_sub(1),
        )))
        .unwrap_or(today);
    let sums = store::member_progress::sums(conn, &ids, first, today).await?;
    let visits = store::member_progress::visits(conn, &ids, businesses).await?;
    let capped: BTreeSet<Uuid> = rules
        .values()
        .flatten()
        .filter(|rule| rule.definition.caps.per_member.is_some())
        .map(|rule| rule.id.as_uuid())
        .collect();
    let capped: Vec<Uuid> = capped.into_iter().collect();
    let usage = store::earning_rules::usage_of_members(conn, &ids, &capped).await?;
    let birthdays = rules
        .values()
        .flatten()
        .any(|rule| rule.definition.conditions.birthday.is_some());
    let mut members: BTreeMap<MemberId, MemberState> = wallets
        .into_iter()
        .map(|(member, row)| {
            let facts = facts.get(&member);
            let born = facts.filter(|_| birthdays);
            let born = born.and_then(|facts| birthday(ctx, member, facts));
            let sums = sums.get(&member).copied().unwrap_or((0, 0));
            (member, member_state(settings, row, facts, born, sums))
        })
        .collect();
    for ((member, business), count) in visits {
        if let Some(state) = members.get_mut(&member) {
            state.visits.insert(business, count);
        }
    }
    for (member, rule, start, granted) in usage {
        if let Some(state) = members.get_mut(&MemberId::from(member)) {
            state.usage.insert((rule, start), granted);
        }
    }
    Ok(members)
}

fn member_state(
    settings: &ProgrammeSettings,
    row: WalletRow,
    facts: Option<&MemberFacts>,
    birthday: Option<NaiveDate>,
    (net_spend, points_earned): (i64, i64),
) -> MemberState {
    let status = facts.and_then(|facts| facts.status.parse::<MemberStatus>().ok());
    MemberState {
        wallet: row.wallet,
        standing: status.map_or(Standing::Closed, Standing::from),
        tier: row.tier,
        tier_since: row.tier_since,
        birthday,
        visits: BTreeMap::new(),
        measure: match settings.tier_measure {
            TierMeasure::NetSpend => net_spend,
            TierMeasure::PointsEarned => points_earned,
        },
        usage: BTreeMap::new(),
    }
}

fn birthday(ctx: &Context, member: MemberId, facts: &MemberFacts) -> Option<NaiveDate> {
    let sealed = facts.birthday_sealed.as_ref()?;
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
