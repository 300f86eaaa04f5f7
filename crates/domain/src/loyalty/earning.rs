//! What a purchase earns: the base rate times the tier's multiplier, plus promotions, within caps.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

use super::explanation::Clamp;
use super::rule::{Period, Reward, Rule};
use crate::ids::RuleId;
use crate::money::{BasisPoints, Money, Overflow, Points, points_for, split_in_proportion};

/// What earning depends on, besides the rules.
#[derive(Clone, Debug)]
pub struct Occasion<'a> {
    /// When it was bought.
    pub occurred_at: DateTime<Utc>,
    /// The programme's zone.
    pub zone: Tz,
    /// The base rate of the business.
    pub base_rate: BasisPoints,
    /// The code of the member's tier.
    pub tier: &'a str,
    /// The tier's multiplier.
    pub tier_multiplier: BasisPoints,
    /// Which visit of the member to the business this is, from 1.
    pub visit: u32,
    /// The member's birthday, if known.
    pub birthday: Option<NaiveDate>,
    /// The bill.
    pub total: Money,
}

/// A line's money that can earn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EligibleLine<'a> {
    /// Number on the receipt.
    pub number: i16,
    /// Its category.
    pub category: &'a str,
    /// The money part that earns.
    pub eligible: Money,
}

/// What the caps have let through so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Granted to this member by rule and first day of the period.
    pub by_member: BTreeMap<(RuleId, NaiveDate), Points>,
    /// Granted to all by rule.
    pub budgets: BTreeMap<RuleId, Points>,
}

/// What one line gets by one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Number of the line.
    pub line: i16,
    /// The index of the rule; none: the base rate.
    pub rule: Option<usize>,
    /// What was asked for.
    pub asked: Points,
    /// What is granted.
    pub granted: Points,
    /// Why less.
    pub clamped_by: Vec<Clamp>,
}

/// Why a rule gives nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmet {
    /// The rule is switched off or not in force at the time.
    NotInForce,
    /// The bill is below the minimum.
    Minimum,
    /// Not on this day of the week.
    Weekday,
    /// Not at this hour.
    Hours,
    /// Not on this visit.
    Visit,
    /// Not around the birthday.
    Birthday,
    /// Not in this tier.
    Tier,
    /// No line of its categories has money that earns.
    Category,
}

/// What a purchase earns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earned {
    /// Line by line and rule by rule, base first.
    pub grants: Vec<Grant>,
    /// The rules that gave nothing, with the reason.
    pub unmet: Vec<(usize, Unmet)>,
}

impl Earned {
    /// The points in all.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn total(&self) -> Result<Points, Overflow> {
        Points::sum(self.grants.iter().map(|grant| grant.granted))
    }

    /// The points of one rule.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn of_rule(&self, rule: usize) -> Result<Points, Overflow> {
        let of_rule = self.grants.iter().filter(|grant| grant.rule == Some(rule));
        Points::sum(of_rule.map(|grant| grant.granted))
    }
}

/// Decides what a purchase earns. `most` is the programme's cap for one purchase.
///
/// # Errors
/// [`Overflow`].
pub fn earn(
    occasion: &Occasion<'_>,
    lines: &[EligibleLine<'_>],
    rules: &[Rule],
    usage: &Usage,
    most: Option<Points>,
) -> Result<Earned, Overflow> {
    let mut earned = Earned::default();
    for line in lines {
        let asked = points_for(line.eligible, occasion.base_rate, occasion.tier_multiplier)?;
        if asked.is_positive() {
            earned.grants.push(Grant {
                line: line.number,
                rule: None,
                asked,
                granted: asked,
                clamped_by: Vec::new(),
            });
        }
    }
    for (index, rule) in rules.iter().enumerate() {
        match applicable_lines(occasion, lines, rule) {
            Err(unmet) => earned.unmet.push((index, unmet)),
            Ok(lines) => {
                let asked = asked_by(occasion, &lines, &rule.definition.reward)?;
                grant(occasion, (index, rule), &lines, &asked, usage, &mut earned)?;
            }
        }
    }
    if let Some(most) = most {
        clamp_whole(&mut earned, most)?;
    }
    Ok(earned)
}

fn applicable_lines<'l, 'a>(
    occasion: &Occasion<'_>,
    lines: &'l [EligibleLine<'a>],
    rule: &Rule,
) -> Result<Vec<&'l EligibleLine<'a>>, Unmet> {
    let conditions = &rule.definition.conditions;
    let local = occasion.occurred_at.with_timezone(&occasion.zone);
    let day = local.date_naive();
    let require = |holds: bool, unmet: Unmet| if holds { Ok(()) } else { Err(unmet) };
    require(
        rule.definition.active
            && rule.effective_from <= occasion.occurred_at
            && rule
                .effective_until
                .is_none_or(|end| occasion.occurred_at < end),
        Unmet::NotInForce,
    )?;
    require(
        conditions
            .minimum
            .is_none_or(|least| occasion.total >= least),
        Unmet::Minimum,
    )?;
    let weekday = u8::try_from(day.weekday().number_from_monday()).unwrap_or(0);
    require(
        conditions.weekdays.is_empty() || conditions.weekdays.contains(&weekday),
        Unmet::Weekday,
    )?;
    require(
        conditions
            .hours
            .is_none_or(|hours| hours.contain(local.time())),
        Unmet::Hours,
    )?;
    require(
        conditions
            .visit
            .is_none_or(|visit| visit.matches(occasion.visit)),
        Unmet::Visit,
    )?;
    require(
        conditions.birthday.is_none_or(|around| {
            occasion
                .birthday
                .is_some_and(|birthday| around.matches(day, birthday))
        }),
        Unmet::Birthday,
    )?;
    require(
        conditions.tiers.is_empty() || conditions.tiers.contains(occasion.tier),
        Unmet::Tier,
    )?;
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| line.eligible.is_positive())
        .filter(|line| {
            conditions.categories.is_empty() || conditions.categories.contains(line.category)
        })
        .collect();
    require(!lines.is_empty(), Unmet::Category)?;
    Ok(lines)
}

fn asked_by(
    occasion: &Occasion<'_>,
    lines: &[&EligibleLine<'_>],
    reward: &Reward,
) -> Result<Vec<Points>, Overflow> {
    match *reward {
        Reward::ExtraRate { rate } => lines
            .iter()
            .map(|line| points_for(line.eligible, rate, BasisPoints::WHOLE))
            .collect(),
        Reward::Multiplier { factor } => {
            let beyond = factor.get().saturating_sub(BasisPoints::WHOLE.get());
            lines
                .iter()
                .map(|line| {
                    let money = i128::from(line.eligible.hundredths())
                        * i128::from(occasion.base_rate.get())
                        * i128::from(occasion.tier_multiplier.get())
                        * i128::from(beyond);
                    let whole = i128::from(BasisPoints::WHOLE.get());
                    i64::try_from(money / (whole * whole * whole))
                        .map(Points::from_hundredths)
                        .map_err(|_| Overflow)
                })
                .collect()
        }
        Reward::Fixed { points } => {
            let weights: Vec<i64> = lines
                .iter()
                .map(|line| line.eligible.hundredths())
                .collect();
            let parts = split_in_proportion(points.hundredths(), &weights)?;
            Ok(parts.into_iter().map(Points::from_hundredths).collect())
        }
    }
}

/// Clamps what a rule asks for: first its cap for one purchase, then for the member, then its budget.
fn grant(
    occasion: &Occasion<'_>,
    (index, rule): (usize, &Rule),
    lines: &[&EligibleLine<'_>],
    asked: &[Points],
    usage: &Usage,
    earned: &mut Earned,
) -> Result<(), Overflow> {
    let caps = &rule.definition.caps;
    let whole = Points::sum(asked.iter().copied())?;
    if !whole.is_positive() {
        return Ok(());
    }
    let mut granted = whole;
    let mut clamped_by = Vec::new();
    let mut clamp = |room: Points, why: Clamp| {
        let room = room.max(Points::ZERO);
        if granted > room {
            granted = room;
            clamped_by.push(why);
        }
    };
    if let Some(cap) = caps.per_purchase {
        clamp(cap, Clamp::PerPurchase);
    }
    if let Some(cap) = caps.per_member {
        let start = period_start(cap.period, occasion);
        let used = usage
            .by_member
            .get(&(rule.id, start))
            .copied()
            .unwrap_or_default();
        clamp(cap.points.minus(used)?, Clamp::PerMember);
    }
    if let Some(budget) = caps.budget {
        let used = usage.budgets.get(&rule.id).copied().unwrap_or_default();
        clamp(budget.minus(used)?, Clamp::Budget);
    }
    let weights: Vec<i64> = asked.iter().map(|points| points.hundredths()).collect();
    let parts = split_in_proportion(granted.hundredths(), &weights)?;
    for ((line, asked), part) in lines.iter().zip(asked).zip(parts) {
        if asked.is_positive() {
            earned.grants.push(Grant {
                line: line.number,
                rule: Some(index),
                asked: *asked,
                granted: Points::from_hundredths(part),
                clamped_by: clamped_by.clone(),
            });
        }
    }
    Ok(())
}

/// The first day of the cap's period in which the occasion falls.
#[must_use]
pub fn period_start(period: Period, occasion: &Occasion<'_>) -> NaiveDate {
    period.start(
        occasion
            .occurred_at
            .with_timezone(&occasion.zone)
            .date_naive(),
    )
}

/// Takes what exceeds the programme's cap from the last grants backward.
fn clamp_whole(earned: &mut Earned, most: Points) -> Result<(), Overflow> {
    let mut excess = earned.total()?.minus(most)?;
    for grant in earned.grants.iter_mut().rev() {
        if !excess.is_positive() {
            break;
        }
        let cut = excess.min(grant.granted);
        if cut.is_positive() {
            grant.granted = grant.granted.minus(cut)?;
            excess = excess.minus(cut)?;
            grant.clamped_by.push(Clamp::ProgrammeCap);
        }
    }
    Ok(())
}
