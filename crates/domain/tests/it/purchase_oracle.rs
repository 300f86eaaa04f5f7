//! What the product says of one purchase, worked out the long way with plain integers: which rules apply, what they ask
//! for and get, what points may pay. Time is seconds; Moscow is three hours ahead of UTC all year.

use chrono::{DateTime, Datelike, NaiveDate};
use domain::ids::RuleId;
use domain::loyalty::basket::Basket;
use domain::loyalty::explanation::{Explanation, LineExplained};
use domain::loyalty::lot::Funder;
use domain::loyalty::purchase::{PurchaseDecision, Terms};
use domain::loyalty::rule::{
    Birthday, Caps, Conditions, Hours, MemberCap, Period, Reward, Rule, RuleDefinition, Visit,
};
use domain::loyalty::tier::Ladder;
use domain::loyalty::validity::Validity;
use domain::money::{BasisPoints, Money, Points};
use domain::programme::ProgrammeSettings;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use uuid::Uuid;

use super::books::{Checked, at, funder, points};

pub const DAY: i64 = 86_400;
const MOSCOW: i64 = 3 * 3_600;
/// Monday 5 January 2026, midnight in UTC.
pub const START: i64 = 1_767_571_200;

/// The day in Moscow, counted from 1 January 1970.
pub fn day(moment: i64) -> i64 {
    (moment + MOSCOW).div_euclid(DAY)
}

/// The moment at which the day that comes `days` after this moment's is over.
pub fn end_of_day(moment: i64, days: i64) -> i64 {
    (day(moment) + days + 1) * DAY - MOSCOW
}

/// Who decided what: the settings, the ladder, the rules and the terms of three businesses.
#[derive(Clone, Debug)]
pub struct World {
    pub settings: ProgrammeSettings,
    pub ladder: Ladder,
    pub rules: Vec<Rule>,
    pub terms: Vec<Terms>,
}

/// Points that a rule gave at a moment; less than nothing when a refund gave them back.
pub type Granted = (RuleId, i64, i64);

/// What the rules look at.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub occurred: i64,
    pub visit: u32,
    pub birthday: Option<NaiveDate>,
    pub tier: &'a str,
    pub log: &'a [Granted],
}

fn rule(number: u8, reward: Reward, conditions: Conditions, caps: Caps) -> Rule {
    Rule {
        id: Uuid::from_u128(0xe00 + u128::from(number)).into(),
        version: 1,
        business: None,
        funder: funder((number % 2 == 1).then_some(number % 3)),
        effective_from: at(START - DAY),
        effective_until: (number == 6).then(|| at(START + 6 * DAY)),
        definition: RuleDefinition {
            name_ru: format!("Правило {number}"),
            name_en: format!("Rule {number}"),
            active: true,
            reward,
            conditions,
            caps,
            activation_delay_hours: (number % 3 == 1).then_some(30),
            validity: match number {
                1 => Some(Validity::Days { count: 5 }),
                5 => Some(Validity::Never {}),
                _ => None,
            },
        },
    }
}

fn on_condition(change: impl FnOnce(&mut Conditions)) -> Conditions {
    let mut conditions = Conditions::default();
    change(&mut conditions);
    conditions
}

fn capped(change: impl FnOnce(&mut Caps)) -> Caps {
    let mut caps = Caps::default();
    change(&mut caps);
    caps
}

fn per_member(hundredths: i64, period: Period) -> Caps {
    let points = points(hundredths);
    capped(|caps| caps.per_member = Some(MemberCap { points, period }))
}

fn rate(rate: u32) -> Reward {
    let rate = BasisPoints::new(rate);
    Reward::ExtraRate { rate }
}

fn factor(factor: u32) -> Reward {
    let factor = BasisPoints::new(factor);
    Reward::Multiplier { factor }
}

fn fixed(hundredths: i64) -> Reward {
    let points = points(hundredths);
    Reward::Fixed { points }
}

/// Eight rules, of which the mask chooses.
pub fn rules(mask: u8) -> Vec<Rule> {
    let (any, open) = (Conditions::default, Caps::default);
    let food = on_condition(|c| c.categories = ["food".to_owned()].into());
    let second = on_condition(|c| c.visit = Some(Visit::Every { n: 2 }));
    let first = on_condition(|c| c.visit = Some(Visit::Nth { n: 1 }));
    let large = on_condition(|c| c.minimum = Some(Money::from_hundredths(100_000)));
    let risen = on_condition(|c| c.tiers = ["vip".to_owned(), "elite".to_owned()].into());
    let (from_minute, until_minute) = (540, 1_200);
    let hours = Hours {
        from_minute,
        until_minute,
    };
    let work = on_condition(|c| (c.weekdays, c.hours) = ([1, 3, 5].into(), Some(hours)));
    let (days_before, days_after) = (0, 0);
    let day = Birthday {
        days_before,
        days_after,
    };
    let birthday = on_condition(|c| c.birthday = Some(day));
    let small = capped(|caps| caps.per_purchase = Some(points(3_000)));
    let budget = capped(|caps| caps.budget = Some(points(12_000)));
    let all = [
        rule(0, rate(700), food, small),
        rule(1, factor(20_000), second, open()),
        rule(2, fixed(5_000), large, budget),
        rule(3, rate(333), any(), per_member(4_000, Period::Day)),
        rule(4, fixed(1_500), first, per_member(2_000, Period::Always)),
        rule(5, factor(13_000), risen, per_member(50_000, Period::Week)),
        rule(6, rate(1_000), work, open()),
        rule(7, fixed(777), birthday, open()),
    ];
    let chosen = |(number, rule)| (mask >> number & 1 == 1).then_some(rule);
    all.into_iter().enumerate().filter_map(chosen).collect()
}

/// The most points that may pay: within the share of the bill and the lines that points may pay.
pub fn most_points(basket: &Basket, share: u32, value: i64) -> i64 {
    let amounts = |of: &dyn Fn(bool) -> bool| -> i64 {
        let lines = basket.lines.iter().filter(|line| of(line.payable));
        lines.map(|line| line.amount.hundredths()).sum()
    };
    let money = (amounts(&|_| true) * i64::from(share) / 10_000).min(amounts(&|payable| payable));
    money * 100 / value
}

fn applies(rule: &Rule, facts: &Facts<'_>, total: i64) -> bool {
    let c = &rule.definition.conditions;
    let local = facts.occurred + MOSCOW;
    let (minute, weekday) = (
        local.rem_euclid(DAY) / 60,
        (day(facts.occurred) + 3) % 7 + 1,
    );
    let date = DateTime::from_timestamp(local, 0)
        .expect("a moment")
        .date_naive();
    rule.effective_from <= at(facts.occurred)
        && rule
            .effective_until
            .is_none_or(|end| at(facts.occurred) < end)
        && c.minimum.is_none_or(|least| total >= least.hundredths())
        && (c.weekdays.is_empty() || c.weekdays.iter().any(|day| i64::from(*day) == weekday))
        && c.hours
            .is_none_or(|h| (i64::from(h.from_minute)..i64::from(h.until_minute)).contains(&minute))
        && match c.visit {
            None => true,
            Some(Visit::First {}) => facts.visit == 1,
            Some(Visit::Nth { n }) => facts.visit == n,
            Some(Visit::Every { n }) => facts.visit.is_multiple_of(n),
        }
        && (c.tiers.is_empty() || c.tiers.iter().any(|code| code == facts.tier))
        && (c.birthday.is_none()
            || facts
                .birthday
                .is_some_and(|b| (b.month(), b.day()) == (date.month(), date.day())))
}

/// What the caps leave of a rule's wish.
fn within_caps(rule: &Rule, facts: &Facts<'_>, wish: i64) -> i64 {
    let period = |period: Period, moment: i64| match period {
        Period::Day => day(moment),
        Period::Week => (day(moment) + 3).div_euclid(7),
        Period::Month | Period::Year => unreachable!("no rule here has one"),
        Period::Always => 0,
    };
    let given = |in_period: &dyn Fn(i64) -> bool| -> i64 {
        let of_rule = facts
            .log
            .iter()
            .filter(|g| g.0 == rule.id && in_period(g.1));
        of_rule.map(|g| g.2).sum()
    };
    let caps = &rule.definition.caps;
    let mut room = vec![wish];
    room.extend(caps.per_purchase.map(Points::hundredths));
    room.extend(caps.budget.map(|all| all.hundredths() - given(&|_| true)));
    room.extend(caps.per_member.map(|cap| {
        let now = period(cap.period, facts.occurred);
        cap.points.hundredths() - given(&|moment| period(cap.period, moment) == now)
    }));
    room.into_iter().min().unwrap_or(0).max(0)
}

/// How points paid the lines: only those they may pay, none beyond its amount, each its fair share to the hundredth.
pub fn check_payment(basket: &Basket, decision: &PurchaseDecision, value: i64) -> Checked {
    let lines = &decision.explanation.lines;
    let sum = |of: &dyn Fn(&LineExplained) -> i64| -> i64 { lines.iter().map(of).sum() };
    let worth = decision.points_spent.hundredths() * value / 100;
    prop_assert_eq!(decision.paid_by_points.hundredths(), worth);
    prop_assert_eq!(sum(&|line| line.paid_by_points.hundredths()), worth);
    prop_assert_eq!(
        sum(&|line| line.points_spent.hundredths()),
        decision.points_spent.hundredths()
    );
    prop_assert_eq!(
        decision.paid_by_money.hundredths(),
        basket.total.hundredths() - worth
    );
    let payable = basket.lines.iter().filter(|line| line.payable);
    let whole: i64 = payable.map(|line| line.amount.hundredths()).sum();
    for (line, explained) in basket.lines.iter().zip(lines) {
        let (amount, paid) = (
            line.amount.hundredths(),
            explained.paid_by_points.hundredths(),
        );
        if line.payable && whole > 0 {
            let off = i128::from(paid) * i128::from(whole) - i128::from(worth) * i128::from(amount);
            prop_assert!(off.abs() < i128::from(whole), "not its fair share");
            prop_assert!((0..=amount).contains(&paid));
        } else {
            prop_assert_eq!((paid, explained.points_spent.hundredths()), (0, 0));
        }
        let earning = if line.earns { amount - paid } else { 0 };
        prop_assert_eq!(explained.eligible.hundredths(), earning);
        prop_assert_eq!(
            explained.excluded.is_empty(),
            earning == amount && line.earns
        );
    }
    Ok(())
}

fn floor_of(money: i64, factors: &[u32]) -> i64 {
    let start = (i128::from(money), 1_i128);
    let (product, whole) = factors.iter().fold(start, |(p, w), factor| {
        (p * i128::from(*factor), w * 10_000)
    });
    i64::try_from(product / whole).expect("a small amount")
}

/// What a line gave by a rule (none: by the base rate): asked and granted, if it was named at all.
fn named(explanation: &Explanation, line: i16, rule: Option<RuleId>) -> Option<(i64, i64)> {
    let mut of = explanation
        .accruals
        .iter()
        .filter(|a| a.line == line && a.rule == rule);
    let found = of
        .next()
        .map(|a| (a.asked.hundredths(), a.granted.hundredths()));
    assert!(of.next().is_none(), "a line is named once for a rule");
    found
}

/// What the purchase earned, rule by rule and line by line.
pub fn check_earning(
    world: &World,
    terms: &Terms,
    facts: &Facts<'_>,
    decision: &PurchaseDecision,
) -> Checked {
    let e = &decision.explanation;
    let multiplier = world
        .ladder
        .get(facts.tier)
        .expect("a tier")
        .multiplier
        .get();
    let cap = world
        .settings
        .max_earned_per_purchase
        .map(Points::hundredths);
    let mut expected_total = 0;
    for line in &e.lines {
        let (asked, granted) = named(e, line.line, None).unwrap_or((0, 0));
        let base = floor_of(
            line.eligible.hundredths(),
            &[terms.base_rate.get(), multiplier],
        );
        prop_assert_eq!(asked, base, "base of line {}", line.line);
        prop_assert!(cap.is_some() || granted == asked);
        expected_total += asked;
    }
    for rule in &world.rules {
        let name = &rule.definition.name_en;
        let wish = check_wish(rule, &[terms.base_rate.get(), multiplier], facts, decision)?;
        let expected = within_caps(rule, facts, wish);
        let (mut asked, mut granted) = (0, 0);
        for accrual in e.accruals.iter().filter(|a| a.rule == Some(rule.id)) {
            asked += accrual.asked.hundredths();
            granted += accrual.granted.hundredths();
            prop_assert!((0..=accrual.asked.hundredths()).contains(&accrual.granted.hundredths()));
            prop_assert!(accrual.granted == accrual.asked || !accrual.clamped_by.is_empty());
        }
        prop_assert_eq!(asked, wish, "asked by {}", name);
        prop_assert!(
            cap.is_some() || granted == expected,
            "{} gave {}, not {}",
            name,
            granted,
            expected
        );
        expected_total += expected;
    }
    let expected_total = cap.map_or(expected_total, |cap| cap.min(expected_total));
    prop_assert_eq!(decision.points_earned.hundredths(), expected_total);
    Ok(())
}

/// What a rule asks for in all; nothing if it does not apply, and then the answer says so.
fn check_wish(
    rule: &Rule,
    base: &[u32; 2],
    facts: &Facts<'_>,
    decision: &PurchaseDecision,
) -> Result<i64, TestCaseError> {
    let e = &decision.explanation;
    let wanted = &rule.definition.conditions.categories;
    let fits = |line: &&LineExplained| {
        line.eligible.is_positive() && (wanted.is_empty() || wanted.contains(&line.category))
    };
    let lines: Vec<&LineExplained> = e.lines.iter().filter(fits).collect();
    let met = applies(rule, facts, decision.total.hundredths()) && !lines.is_empty();
    let unmet = decision.unmet.iter().any(|(id, _)| *id == rule.id);
    prop_assert_eq!(unmet, !met, "{}", rule.definition.name_en);
    if !met {
        return Ok(0);
    }
    let mut wish = 0;
    for line in lines {
        let money = line.eligible.hundredths();
        let of_line = match rule.definition.reward {
            Reward::ExtraRate { rate } => floor_of(money, &[rate.get()]),
            Reward::Multiplier { factor } => {
                floor_of(money, &[base[0], base[1], factor.get() - 10_000])
            }
            Reward::Fixed { points } => return Ok(points.hundredths()),
        };
        let (asked, _) = named(e, line.line, Some(rule.id)).unwrap_or((0, 0));
        prop_assert_eq!(
            asked,
            of_line,
            "{} for line {}",
            rule.definition.name_en,
            line.line
        );
        wish += of_line;
    }
    Ok(wish)
}

/// The lots: one for each origin, funder, activation and expiry, with the points of the accruals that name it.
pub fn check_lots(
    world: &World,
    terms: &Terms,
    facts: &Facts<'_>,
    decision: &PurchaseDecision,
) -> Checked {
    let e = &decision.explanation;
    for (place, lot) in e.lots.iter().enumerate() {
        let same = e.lots[..place].iter().any(|other| {
            (
                other.origin,
                other.funder,
                other.activates_at,
                other.expires_at,
            ) == (lot.origin, lot.funder, lot.activates_at, lot.expires_at)
        });
        prop_assert!(!same, "two lots where one would do");
        let of_lot = e.accruals.iter().filter(|a| a.lot == Some(lot.lot));
        let sum: i64 = of_lot.map(|a| a.granted.hundredths()).sum();
        prop_assert_eq!(lot.points.hundredths(), sum);
    }
    for accrual in &e.accruals {
        let Some(id) = accrual.lot else {
            prop_assert!(accrual.granted.is_zero());
            continue;
        };
        let lot = e
            .lots
            .iter()
            .find(|lot| lot.lot == id)
            .expect("a lot that is explained");
        let rule = world
            .rules
            .iter()
            .find(|rule| Some(rule.id) == accrual.rule);
        let definition = rule.map(|rule| &rule.definition);
        let payer = rule.map_or(Funder::Business(terms.business), |rule| rule.funder);
        prop_assert_eq!(lot.paid_by(terms.business), payer);
        let delay = definition.and_then(|d| d.activation_delay_hours);
        let delay = delay.unwrap_or(world.settings.activation_delay_hours);
        let activates = facts.occurred + i64::from(delay) * 3_600;
        prop_assert_eq!(lot.activates_at, at(activates));
        let validity = definition
            .and_then(|d| d.validity)
            .unwrap_or(world.settings.validity);
        let expires = match validity {
            Validity::Days { count } => Some(at(end_of_day(activates, i64::from(count)))),
            _ => None,
        };
        prop_assert_eq!(lot.expires_at, expires);
    }
    Ok(())
}
