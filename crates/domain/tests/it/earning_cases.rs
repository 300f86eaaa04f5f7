//! A table of cases for what a purchase earns: one rule, one occasion, the points by hand.

use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::ids::RuleId;
use domain::loyalty::earning::{EligibleLine, Occasion, Unmet, Usage, earn};
use domain::loyalty::explanation::Clamp;
use domain::loyalty::lot::Funder;
use domain::loyalty::rule::{
    Birthday, Caps, Conditions, Hours, MemberCap, Period, Reward, Rule, RuleDefinition, Visit,
};
use domain::money::{BasisPoints, Money, Overflow, Points};
use uuid::Uuid;

use super::books::{at, points};

const MOSCOW: Tz = chrono_tz::Europe::Moscow;
const BERLIN: Tz = chrono_tz::Europe::Berlin;

fn moment(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().expect("a moment")
}

/// Monday 5 January 2026, 15:00 in Moscow; 5 % and no multiplier; a bill of 1 000.00.
fn occasion() -> Occasion<'static> {
    Occasion {
        occurred_at: moment("2026-01-05T12:00:00Z"),
        zone: MOSCOW,
        base_rate: BasisPoints::new(500),
        tier: "insider",
        tier_multiplier: BasisPoints::WHOLE,
        visit: 1,
        birthday: None,
        total: Money::from_hundredths(100_000),
    }
}

fn lines(amounts: &[(&'static str, i64)]) -> Vec<EligibleLine<'static>> {
    let line = |(number, (category, amount)): (i16, &(&'static str, i64))| EligibleLine {
        number,
        category,
        eligible: Money::from_hundredths(*amount),
    };
    (1..).zip(amounts).map(line).collect()
}

fn rule_of(reward: Reward, conditions: Conditions, caps: Caps) -> Rule {
    Rule {
        id: RuleId::from(Uuid::from_u128(7)),
        version: 1,
        business: None,
        funder: Funder::Programme,
        effective_from: at(0),
        effective_until: None,
        definition: RuleDefinition {
            name_ru: "Правило".to_owned(),
            name_en: "Rule".to_owned(),
            active: true,
            reward,
            conditions,
            caps,
            activation_delay_hours: None,
            validity: None,
        },
    }
}

fn fixed(hundredths: i64) -> Reward {
    Reward::Fixed {
        points: points(hundredths),
    }
}

fn when(conditions: Conditions) -> Rule {
    rule_of(fixed(100), conditions, Caps::default())
}

/// Whether the rule gives its points, or why not.
fn outcome(occasion: &Occasion<'_>, rule: &Rule) -> Result<i64, Unmet> {
    let bill = lines(&[("general", 100_000)]);
    let rules = std::slice::from_ref(rule);
    let earned = earn(occasion, &bill, rules, &Usage::default(), None).expect("small amounts");
    match earned.unmet.first() {
        Some((_, unmet)) => Err(*unmet),
        None => Ok(earned.of_rule(0).expect("small amounts").hundredths()),
    }
}

#[test]
fn a_rule_is_in_force_from_its_beginning_until_its_end() {
    let rule = Rule {
        effective_from: moment("2026-01-05T12:00:00Z"),
        effective_until: Some(moment("2026-01-06T00:00:00Z")),
        ..when(Conditions::default())
    };
    for (text, expected) in [
        ("2026-01-05T11:59:59Z", Err(Unmet::NotInForce)),
        ("2026-01-05T12:00:00Z", Ok(100)),
        ("2026-01-05T23:59:59Z", Ok(100)),
        ("2026-01-06T00:00:00Z", Err(Unmet::NotInForce)),
    ] {
        let occasion = Occasion {
            occurred_at: moment(text),
            ..occasion()
        };
        assert_eq!(outcome(&occasion, &rule), expected, "{text}");
    }
    let mut off = when(Conditions::default());
    off.definition.active = false;
    assert_eq!(outcome(&occasion(), &off), Err(Unmet::NotInForce));
}

#[test]
fn days_and_hours_are_those_of_the_zone() {
    let monday = || Conditions {
        weekdays: [1].into(),
        ..Conditions::default()
    };
    let hours = |from_minute, until_minute| Conditions {
        hours: Some(Hours {
            from_minute,
            until_minute,
        }),
        ..Conditions::default()
    };
    let (on, day, hour) = (Ok(100), Err(Unmet::Weekday), Err(Unmet::Hours));
    for (zone, text, conditions, expected) in [
        // Monday begins in Moscow while it is still Sunday evening in UTC.
        (MOSCOW, "2026-01-04T20:59:59Z", monday(), day),
        (MOSCOW, "2026-01-04T21:00:00Z", monday(), on),
        (MOSCOW, "2026-01-05T20:59:59Z", monday(), on),
        (MOSCOW, "2026-01-05T21:00:00Z", monday(), day),
        (MOSCOW, "2026-01-05T06:59:59Z", hours(600, 720), hour),
        (MOSCOW, "2026-01-05T07:00:00Z", hours(600, 720), on),
        (MOSCOW, "2026-01-05T08:59:59Z", hours(600, 720), on),
        (MOSCOW, "2026-01-05T09:00:00Z", hours(600, 720), hour),
        (MOSCOW, "2026-01-05T20:00:00Z", hours(1_380, 1_440), on),
        (MOSCOW, "2026-01-05T22:00:00Z", hours(1_320, 360), on),
        (MOSCOW, "2026-01-05T03:00:00Z", hours(1_320, 360), hour),
        // Berlin: 10:00 is 09:00 UTC in winter and 08:00 UTC in summer; clocks change on 29 March 2026.
        (BERLIN, "2026-03-28T09:00:00Z", hours(600, 660), on),
        (BERLIN, "2026-03-28T08:00:00Z", hours(600, 660), hour),
        (BERLIN, "2026-03-29T08:00:00Z", hours(600, 660), on),
        (BERLIN, "2026-03-29T09:00:00Z", hours(600, 660), hour),
        // The hour from 2 to 3 is left out on that day, and comes twice on 25 October.
        (BERLIN, "2026-03-29T01:00:00Z", hours(120, 180), hour),
        (BERLIN, "2026-10-25T00:30:00Z", hours(120, 180), on),
        (BERLIN, "2026-10-25T01:30:00Z", hours(120, 180), on),
        (BERLIN, "2026-10-25T02:00:00Z", hours(120, 180), hour),
    ] {
        let occasion = Occasion {
            zone,
            occurred_at: moment(text),
            ..occasion()
        };
        assert_eq!(
            outcome(&occasion, &when(conditions.clone())),
            expected,
            "{text} {conditions:?}"
        );
    }
}

#[test]
fn minimum_tier_visit_and_birthday() {
    let any = Conditions::default;
    let least = |n| Conditions {
        minimum: Some(Money::from_hundredths(n)),
        ..any()
    };
    let visit = |visit| Conditions {
        visit: Some(visit),
        ..any()
    };
    let around = |days_before, days_after| Conditions {
        birthday: Some(Birthday {
            days_before,
            days_after,
        }),
        ..any()
    };
    let tiers = |code: &str| Conditions {
        tiers: [code.to_owned()].into(),
        ..any()
    };
    let born = |text: &str| text.parse::<NaiveDate>().ok();
    let on_visit = |visit| Occasion {
        visit,
        ..occasion()
    };
    let birthday = |text: &str| Occasion {
        birthday: born(text),
        ..occasion()
    };
    let (every, nth) = (Visit::Every { n: 3 }, Visit::Nth { n: 3 });
    for (occasion, conditions, expected) in [
        (occasion(), least(100_000), Ok(100)),
        (occasion(), least(100_001), Err(Unmet::Minimum)),
        (occasion(), tiers("insider"), Ok(100)),
        (occasion(), tiers("vip"), Err(Unmet::Tier)),
        (on_visit(1), visit(Visit::First {}), Ok(100)),
        (on_visit(2), visit(Visit::First {}), Err(Unmet::Visit)),
        (on_visit(3), visit(nth), Ok(100)),
        (on_visit(6), visit(nth), Err(Unmet::Visit)),
        (on_visit(6), visit(every), Ok(100)),
        (on_visit(7), visit(every), Err(Unmet::Visit)),
        (occasion(), around(60, 60), Err(Unmet::Birthday)),
        (birthday("1990-01-05"), around(0, 0), Ok(100)),
        (birthday("1990-01-06"), around(0, 0), Err(Unmet::Birthday)),
        (birthday("1990-01-08"), around(3, 0), Ok(100)),
        (birthday("1990-01-09"), around(3, 0), Err(Unmet::Birthday)),
        (birthday("1990-12-31"), around(0, 5), Ok(100)),
        (birthday("1990-12-30"), around(0, 5), Err(Unmet::Birthday)),
    ] {
        assert_eq!(
            outcome(&occasion, &when(conditions.clone())),
            expected,
            "{conditions:?}"
        );
    }
    // Midnight in Moscow, not in UTC, begins the birthday.
    let eve = Occasion {
        occurred_at: moment("2026-01-05T21:00:00Z"),
        ..birthday("1990-01-06")
    };
    assert_eq!(outcome(&eve, &when(around(0, 0))), Ok(100));
}

type Granted = Vec<(i16, Option<usize>, i64, i64)>;

fn granted(
    occasion: &Occasion<'_>,
    bill: &[EligibleLine<'_>],
    rules: &[Rule],
    most: Option<i64>,
) -> Granted {
    let most = most.map(points);
    let earned = earn(occasion, bill, rules, &Usage::default(), most).expect("small amounts");
    let row = |g: &domain::loyalty::earning::Grant| {
        (g.line, g.rule, g.asked.hundredths(), g.granted.hundredths())
    };
    earned.grants.iter().map(row).collect()
}

#[test]
fn rates_multiply_and_round_down_once_a_line() {
    let rate = |rate| Reward::ExtraRate {
        rate: BasisPoints::new(rate),
    };
    let factor = |factor| Reward::Multiplier {
        factor: BasisPoints::new(factor),
    };
    let rule = |reward| vec![rule_of(reward, Conditions::default(), Caps::default())];
    let vip = Occasion {
        tier_multiplier: BasisPoints::new(12_000),
        ..occasion()
    };
    // 199.99 at 5 % and 1.2 is 11.9994 points; a line of 0.16 gives 0.0096, less than a hundredth.
    let bill = lines(&[("general", 19_999), ("general", 16), ("general", 0)]);
    assert_eq!(
        granted(&vip, &bill, &[], None),
        vec![(1, None, 1_199, 1_199)]
    );
    // An extra 3.33 % knows no tier: 6.6596 points, and 0.005328.
    let extra = granted(&vip, &bill, &rule(rate(333)), None);
    assert_eq!(extra, vec![(1, None, 1_199, 1_199), (1, Some(0), 665, 665)]);
    // Doubling adds the base once more, rounded from the money and not from the rounded base.
    let double = granted(&vip, &bill, &rule(factor(20_000)), None);
    assert_eq!(double[1], (1, Some(0), 1_199, 1_199));
    // Half as much again of 11.9994: 5.9997.
    let half = granted(&vip, &bill, &rule(factor(15_000)), None);
    assert_eq!(half[1], (1, Some(0), 599, 599));
}

#[test]
fn categories_choose_lines_and_a_fixed_reward_is_split_exactly() {
    let food = || Conditions {
        categories: ["food".to_owned()].into(),
        ..Conditions::default()
    };
    let bill = lines(&[
        ("food", 100),
        ("general", 5_000),
        ("food", 100),
        ("food", 100),
    ]);
    let rules = [rule_of(fixed(1_000), food(), Caps::default())];
    let by_rule = |rows: Granted| {
        rows.into_iter()
            .filter(|g| g.1.is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        by_rule(granted(&occasion(), &bill, &rules, None)),
        vec![
            (1, Some(0), 334, 334),
            (3, Some(0), 333, 333),
            (4, Some(0), 333, 333)
        ]
    );
    // A line all paid by points has no money that earns; without any such line the rule is unmet.
    let paid = lines(&[("food", 0), ("general", 5_000)]);
    let earned = earn(&occasion(), &paid, &rules, &Usage::default(), None).expect("small amounts");
    assert_eq!(earned.unmet, vec![(0, Unmet::Category)]);
    assert_eq!(earned.total(), Ok(points(250)));
}

#[test]
fn caps_clamp_in_their_order_and_say_so() {
    let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
    let period = Period::Month;
    let monthly = |n| MemberCap {
        points: points(n),
        period,
    };
    let caps = |purchase: Option<i64>, member: Option<i64>, budget: Option<i64>| Caps {
        per_purchase: purchase.map(points),
        per_member: member.map(monthly),
        budget: budget.map(points),
    };
    let (purchase, each, budget) = (Clamp::PerPurchase, Clamp::PerMember, Clamp::Budget);
    let (some, three) = (Some, vec![purchase, each, budget]);
    for (caps, (used, spent), expected, why) in [
        (caps(None, None, None), (0, 0), 1_000, vec![]),
        (caps(some(1_000), None, None), (0, 0), 1_000, vec![]),
        (caps(some(999), None, None), (0, 0), 999, vec![purchase]),
        (caps(None, some(1_500), None), (600, 0), 900, vec![each]),
        (caps(None, some(1_500), None), (1_500, 0), 0, vec![each]),
        (caps(None, some(1_500), None), (2_000, 0), 0, vec![each]),
        (caps(None, None, some(5_000)), (0, 4_700), 300, vec![budget]),
        (caps(None, None, some(5_000)), (0, 5_000), 0, vec![budget]),
        (caps(some(800), some(700), some(600)), (0, 0), 600, three),
        (
            caps(some(500), some(700), some(600)),
            (0, 0),
            500,
            vec![purchase],
        ),
        (caps(some(0), None, None), (0, 0), 0, vec![purchase]),
    ] {
        let rule = rule_of(fixed(1_000), Conditions::default(), caps);
        let usage = Usage {
            by_member: [((rule.id, day("2026-01-01")), points(used))].into(),
            budgets: [(rule.id, points(spent))].into(),
        };
        let bill = lines(&[("general", 50_000), ("food", 50_000)]);
        let earned = earn(&occasion(), &bill, &[rule], &usage, None).expect("small amounts");
        assert_eq!(earned.of_rule(0), Ok(points(expected)), "{used} {spent}");
        for grant in earned.grants.iter().filter(|grant| grant.rule.is_some()) {
            assert_eq!(grant.clamped_by, why, "{used} {spent}");
            assert_eq!(grant.asked, points(500));
        }
    }
}

#[test]
fn what_was_used_in_another_period_does_not_count() {
    for (period, first_day) in [
        (Period::Day, "2026-01-04"),
        (Period::Week, "2025-12-29"),
        (Period::Month, "2025-12-01"),
        (Period::Year, "2025-01-01"),
    ] {
        let cap = Caps {
            per_member: Some(MemberCap {
                points: points(1_000),
                period,
            }),
            ..Caps::default()
        };
        let rule = rule_of(fixed(1_000), Conditions::default(), cap);
        let first_day = first_day.parse().expect("a day");
        let usage = Usage {
            by_member: [((rule.id, first_day), points(1_000))].into(),
            ..Usage::default()
        };
        let bill = lines(&[("general", 1)]);
        let earned = earn(&occasion(), &bill, &[rule], &usage, None).expect("small amounts");
        assert_eq!(earned.of_rule(0), Ok(points(1_000)), "{period:?}");
    }
}

#[test]
fn the_programme_cap_takes_from_the_last_grants() {
    let bill = lines(&[("general", 10_000), ("food", 10_000)]);
    let rules = [
        rule_of(fixed(300), Conditions::default(), Caps::default()),
        rule_of(fixed(100), Conditions::default(), Caps::default()),
    ];
    let row = |most| {
        let all = granted(&occasion(), &bill, &rules, most);
        all.into_iter().map(|g| g.3).collect::<Vec<_>>()
    };
    assert_eq!(row(None), vec![500, 500, 150, 150, 50, 50]);
    assert_eq!(row(Some(1_400)), vec![500, 500, 150, 150, 50, 50]);
    assert_eq!(row(Some(1_399)), vec![500, 500, 150, 150, 50, 49]);
    assert_eq!(row(Some(1_200)), vec![500, 500, 150, 50, 0, 0]);
    assert_eq!(row(Some(0)), vec![0; 6]);
    let most = Some(points(1_399));
    let earned = earn(&occasion(), &bill, &rules, &Usage::default(), most).expect("small amounts");
    let why: Vec<usize> = earned
        .grants
        .iter()
        .map(|grant| grant.clamped_by.len())
        .collect();
    assert_eq!(why, vec![0, 0, 0, 0, 0, 1]);
    assert_eq!(earned.grants[5].clamped_by, vec![Clamp::ProgrammeCap]);
}

#[test]
fn what_leaves_its_range_is_an_error() {
    let huge = lines(&[("general", i64::MAX)]);
    let try_with = |occasion: &Occasion<'_>, reward| {
        let rules = [rule_of(reward, Conditions::default(), Caps::default())];
        earn(occasion, &huge, &rules, &Usage::default(), None).and_then(|earned| earned.total())
    };
    let largest = BasisPoints::new(u32::MAX);
    let rich = Occasion {
        base_rate: largest,
        tier_multiplier: largest,
        ..occasion()
    };
    let nothing = Occasion {
        base_rate: BasisPoints::new(0),
        ..occasion()
    };
    assert_eq!(try_with(&rich, fixed(1)), Err(Overflow));
    let factor = Reward::Multiplier { factor: largest };
    assert_eq!(try_with(&occasion(), factor), Err(Overflow));
    let rich_tier = Occasion {
        tier_multiplier: largest,
        base_rate: BasisPoints::new(1),
        ..occasion()
    };
    assert_eq!(try_with(&rich_tier, factor), Err(Overflow));
    let rate = Reward::ExtraRate { rate: largest };
    assert_eq!(try_with(&nothing, rate), Err(Overflow));
    let whole = Reward::ExtraRate {
        rate: BasisPoints::WHOLE,
    };
    assert_eq!(
        try_with(&nothing, whole),
        Ok(Points::from_hundredths(i64::MAX))
    );
    assert_eq!(try_with(&occasion(), whole), Err(Overflow));
}
