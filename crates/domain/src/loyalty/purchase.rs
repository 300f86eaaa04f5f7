//! What a purchase does to a member: the one decision behind quote, post, batch and import.
//! Paying with points is in `payment`, making lots in `lots`.

mod lots;
mod payment;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::basket::Basket;
use super::earning::{self, Earned, EligibleLine, Occasion, Unmet, Usage};
use super::explanation::{Explanation, LineExplained};
use super::ledger::{Cause, JournalKind};
use super::rule::Rule;
use super::tier::{Ladder, Tier, TierMeasure};
use super::validity::day_of;
use super::wallet::{NewId, Wallet, WalletError};
use crate::ids::{BusinessId, HoldId, PurchaseId, RuleId};
use crate::money::{BasisPoints, Money, Overflow, Points};
use crate::people::MemberStatus;
use crate::programme::ProgrammeSettings;

/// How far the clock of a till may run ahead of ours.
const CLOCK_TOLERANCE_MINUTES: i64 = 10;

/// What the business has agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The business.
    pub business: BusinessId,
    /// Points for a hundred units of money, in basis points.
    pub base_rate: BasisPoints,
    /// The share of a bill that points may pay, where it differs from the programme's.
    pub share_cap: Option<BasisPoints>,
    /// Points worth up to this much may be spent without strong proof.
    pub spend_without_code_up_to: Money,
}

impl Terms {
    /// The most, in money, that may be spent at once without strong proof: what the business lifts, within the
    /// programme's ceiling.
    #[must_use]
    pub fn without_code(&self, settings: &ProgrammeSettings) -> Money {
        self.spend_without_code_up_to
            .min(settings.spend_without_code_at_most)
    }
}

/// Whether a member may take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Known by phone or customer number only: earns, and the points wait.
    Waiting,
    /// Has joined.
    Active,
    /// Blocked or erased: neither earns nor spends.
    Closed,
}

impl From<MemberStatus> for Standing {
    fn from(status: MemberStatus) -> Self {
        match status {
            MemberStatus::Waiting => Self::Waiting,
            MemberStatus::Active => Self::Active,
            MemberStatus::Blocked | MemberStatus::Erased => Self::Closed,
        }
    }
}

/// What is known of the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberState {
    /// The points.
    pub wallet: Wallet,
    /// Whether the member may take part.
    pub standing: Standing,
    /// The code of the tier.
    pub tier: String,
    /// Since when.
    pub tier_since: DateTime<Utc>,
    /// The birthday, if known.
    pub birthday: Option<NaiveDate>,
    /// Visits so far, by business.
    pub visits: BTreeMap<BusinessId, u32>,
    /// The tier's measure over the window that ends today.
    pub measure: i64,
    /// What the caps have let through.
    pub usage: BTreeMap<(RuleId, NaiveDate), Points>,
}

/// How surely the member stands at the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A phone or card number: enough to earn.
    Weak,
    /// Chosen from a list by the end of the phone: enough to earn, never to spend.
    Found,
    /// A rotating, spoken or SMS code: enough to spend.
    Strong,
}

/// The points that are to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spend {
    /// None.
    Nothing,
    /// So many.
    Points(Points),
    /// Those of a hold: all of it or less.
    Hold(HoldId, Option<Points>),
}

/// A purchase to be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseInput {
    /// Its identifier.
    pub id: PurchaseId,
    /// When it was made.
    pub occurred_at: DateTime<Utc>,
    /// What was bought.
    pub basket: Basket,
    /// The points that are to pay.
    pub spend: Spend,
    /// How surely the member stands there.
    pub proof: Proof,
    /// By how many hours it may come late; none: any (an import of history).
    pub late_hours: Option<u32>,
}

/// What holds for all purchases of a group.
#[derive(Clone, Copy, Debug)]
pub struct Programme<'a> {
    /// The settings.
    pub settings: &'a ProgrammeSettings,
    /// The tiers.
    pub ladder: &'a Ladder,
    /// The present moment.
    pub now: DateTime<Utc>,
}

/// Why a purchase was refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurchaseRefusal {
    /// The member is blocked.
    #[error("the member is blocked")]
    MemberClosed,
    /// Points wait until the person joins.
    #[error("the member has not joined yet")]
    MemberNotJoined,
    /// Spending needs a code.
    #[error("spending needs a code of the member")]
    ProofRequired,
    /// Points may not pay so much of this bill.
    #[error("points may pay less of this bill")]
    OverShareCap {
        /// What was asked for.
        asked: Points,
        /// What is allowed.
        most: Points,
    },
    /// The hold is not one of this member at this business.
    #[error("unknown hold")]
    UnknownHold,
    /// The receipt comes later than the programme allows.
    #[error("the receipt comes too late")]
    TooLate,
    /// The receipt is from the future.
    #[error("the receipt is from the future")]
    InFuture,
    /// The wallet refused.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

impl From<Overflow> for PurchaseRefusal {
    fn from(overflow: Overflow) -> Self {
        Self::Wallet(WalletError::Overflow(overflow))
    }
}

/// A decided purchase; the member's state has changed with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseDecision {
    /// The purchase.
    pub id: PurchaseId,
    /// The bill.
    pub total: Money,
    /// What points paid of it.
    pub paid_by_points: Money,
    /// What is paid in money.
    pub paid_by_money: Money,
    /// The points that paid.
    pub points_spent: Points,
    /// The points earned.
    pub points_earned: Points,
    /// The most points that could have paid.
    pub max_points: Points,
    /// The hold that paid.
    pub hold: Option<HoldId>,
    /// Tier when buying.
    pub tier: String,
    /// Tier after it.
    pub tier_after: String,
    /// The measure after it.
    pub measure: i64,
    /// The day in the programme's zone.
    pub day: NaiveDate,
    /// Why.
    pub explanation: Explanation,
    /// What counts against the member's caps.
    pub usage: Vec<(RuleId, NaiveDate, Points)>,
    /// What counts against budgets.
    pub budgets: Vec<(RuleId, Points)>,
    /// The rules that gave nothing, with the reason.
    pub unmet: Vec<(RuleId, Unmet)>,
}

/// Decides a purchase and changes the member's state by it. On refusal the state may be half changed:
/// decide on a copy and keep it only on success.
///
/// # Errors
/// [`PurchaseRefusal`] says why nothing may happen.
pub fn decide(
    programme: Programme<'_>,
    terms: &Terms,
    rules: &[Rule],
    budgets: &BTreeMap<RuleId, Points>,
    member: &mut MemberState,
    input: &PurchaseInput,
    ids: NewId<'_>,
) -> Result<PurchaseDecision, PurchaseRefusal> {
    check_time(programme, input)?;
    if member.standing == Standing::Closed {
        return Err(PurchaseRefusal::MemberClosed);
    }
    member.wallet.advance(programme.now, ids)?;
    let settings = programme.settings;
    let paid = payment::pay(programme, terms, member, input, ids)?;

    let tier = programme.ladder.get(&member.tier);
    let tier = tier.unwrap_or_else(|| programme.ladder.lowest()).clone();
    let occasion = occasion(programme, terms, &tier, member, input);
    let lines = payment::explain_lines(&input.basket, &paid.payment)?;
    let earned = earn(programme, &occasion, &lines, rules, budgets, member)?;
    let made = lots::make_lots(
        programme,
        terms,
        (&tier, rules, &earned),
        &occasion,
        input,
        member,
        ids,
    );
    let (lots, accruals) = made?;
    let explain = |lot| lots::explain_lot(lot, terms.business);
    let explained = lots.iter().map(explain).collect();
    let cause = cause_of(terms, input);
    member
        .wallet
        .accrue(JournalKind::Accrual, lots, cause, programme.now, ids)?;

    let points_earned = earned.total()?;
    let paid_by_money = input.basket.total.minus(paid.payment.worth)?;
    let day = day_of(input.occurred_at, settings.time_zone);
    let tier_after = progress(programme, member, &tier, day, paid_by_money, points_earned)?;
    member.visits.insert(terms.business, occasion.visit);
    let (usage, budgets) = consume(&occasion, rules, &earned, member)?;
    Ok(PurchaseDecision {
        id: input.id,
        total: input.basket.total,
        paid_by_points: paid.payment.worth,
        paid_by_money,
        points_spent: paid.payment.points,
        points_earned,
        max_points: paid.max_points,
        hold: paid.hold,
        tier: tier.code.clone(),
        tier_after,
        measure: member.measure,
        day,
        explanation: Explanation {
            lines,
            accruals,
            lots: explained,
            spent: paid.spent,
        },
        usage,
        budgets,
        unmet: unmet(rules, &earned),
    })
}

fn unmet(rules: &[Rule], earned: &Earned) -> Vec<(RuleId, Unmet)> {
    let reason = |(index, why): &(usize, Unmet)| (rules[*index].id, *why);
    earned.unmet.iter().map(reason).collect()
}

fn occasion<'a>(
    programme: Programme<'_>,
    terms: &Terms,
    tier: &'a Tier,
    member: &MemberState,
    input: &PurchaseInput,
) -> Occasion<'a> {
    Occasion {
        occurred_at: input.occurred_at,
        zone: programme.settings.time_zone,
        base_rate: terms.base_rate,
        tier: &tier.code,
        tier_multiplier: tier.multiplier,
        visit: member
            .visits
            .get(&terms.business)
            .copied()
            .unwrap_or(0)
            .saturating_add(1),
        birthday: member.birthday,
        total: input.basket.total,
    }
}

fn earn(
    programme: Programme<'_>,
    occasion: &Occasion<'_>,
    lines: &[LineExplained],
    rules: &[Rule],
    budgets: &BTreeMap<RuleId, Points>,
    member: &MemberState,
) -> Result<Earned, Overflow> {
    let eligible: Vec<EligibleLine<'_>> = lines
        .iter()
        .map(|line| EligibleLine {
            number: line.line,
            category: &line.category,
            eligible: line.eligible,
        })
        .collect();
    let usage = Usage {
        by_member: member.usage.clone(),
        budgets: budgets.clone(),
    };
    let most = programme.settings.max_earned_per_purchase;
    earning::earn(occasion, &eligible, rules, &usage, most)
}

fn check_time(programme: Programme<'_>, input: &PurchaseInput) -> Result<(), PurchaseRefusal> {
    if input.occurred_at > programme.now + Duration::minutes(CLOCK_TOLERANCE_MINUTES) {
        return Err(PurchaseRefusal::InFuture);
    }
    match input.late_hours {
        Some(hours) if input.occurred_at < programme.now - Duration::hours(i64::from(hours)) => {
            Err(PurchaseRefusal::TooLate)
        }
        _ => Ok(()),
    }
}

fn cause_of(terms: &Terms, input: &PurchaseInput) -> Cause {
    Cause {
        business: Some(terms.business),
        source: Some(input.id.as_uuid()),
        occurred_at: input.occurred_at,
    }
}

/// Adds the purchase to the tier's measure, if its day is within the window, and lifts the tier at once.
fn progress(
    programme: Programme<'_>,
    member: &mut MemberState,
    tier: &Tier,
    day: NaiveDate,
    net: Money,
    points: Points,
) -> Result<String, Overflow> {
    let settings = programme.settings;
    let today = day_of(programme.now, settings.time_zone);
    if (today - day).num_days() < i64::from(settings.tier_window_days) {
        let gain = match settings.tier_measure {
            TierMeasure::NetSpend => net.hundredths(),
            TierMeasure::PointsEarned => points.hundredths(),
        };
        member.measure = member.measure.checked_add(gain).ok_or(Overflow)?;
    }
    let after = programme.ladder.upgraded(tier, member.measure);
    if after.code != member.tier {
        member.tier.clone_from(&after.code);
        member.tier_since = programme.now;
    }
    Ok(after.code.clone())
}

type Consumed = (Vec<(RuleId, NaiveDate, Points)>, Vec<(RuleId, Points)>);

fn consume(
    occasion: &Occasion<'_>,
    rules: &[Rule],
    earned: &Earned,
    member: &mut MemberState,
) -> Result<Consumed, Overflow> {
    let (mut usage, mut budgets) = (Vec::new(), Vec::new());
    for (index, rule) in rules.iter().enumerate() {
        let points = earned.of_rule(index)?;
        if !points.is_positive() {
            continue;
        }
        if let Some(cap) = rule.definition.caps.per_member {
            let start = earning::period_start(cap.period, occasion);
            let used = member.usage.entry((rule.id, start)).or_default();
            *used = used.plus(points)?;
            usage.push((rule.id, start, points));
        }
        if rule.definition.caps.budget.is_some() {
            budgets.push((rule.id, points));
        }
    }
    Ok((usage, budgets))
}
