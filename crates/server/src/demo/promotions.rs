//! The promotions of the demonstration, one of each kind that the programme knows.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use domain::ids::BusinessId;
use domain::loyalty::lot::Funder;
use domain::loyalty::rule::{
    Birthday, Caps, Conditions, Hours, MemberCap, Period, Reward, RuleDefinition, Visit,
};
use domain::loyalty::validity::Validity;
use domain::money::{BasisPoints, Money, Points};
use services::loyalty::earning_rules::NewRule;

/// So many whole points.
const fn points(whole: i64) -> Points {
    Points::from_hundredths(whole * 100)
}

/// So many whole units of money.
const fn money(whole: i64) -> Money {
    Money::from_hundredths(whole * 100)
}

fn definition(name_ru: &str, name_en: &str, reward: Reward) -> RuleDefinition {
    RuleDefinition {
        name_ru: name_ru.to_owned(),
        name_en: name_en.to_owned(),
        active: true,
        reward,
        conditions: Conditions::default(),
        caps: Caps::default(),
        activation_delay_hours: None,
        validity: None,
    }
}

/// All promotions, given when the coalition begins, when its history ends, and who the partners are by slug.
pub(super) fn promotions(
    begins: DateTime<Utc>,
    end: DateTime<Utc>,
    business: impl Fn(&str) -> Option<BusinessId>,
) -> Vec<NewRule> {
    let of = |slug: &str, definition: RuleDefinition| {
        business(slug).map(|id| NewRule {
            business: Some(id),
            funder: Funder::Business(id),
            effective_from: Some(begins),
            effective_until: None,
            definition,
        })
    };
    let everywhere = |definition: RuleDefinition| NewRule {
        business: None,
        funder: Funder::Programme,
        effective_from: Some(begins),
        effective_until: None,
        definition,
    };
    let length = end - begins;
    let mut doubled = of("zakladka", double_books());
    if let Some(rule) = &mut doubled {
        rule.effective_from = Some(begins + length / 4);
        rule.effective_until = Some(begins + length / 2);
    }
    let mut at_partners = vec![
        of("lastochka", quiet_morning()),
        doubled,
        of("barbershop-topor", fifth_visit()),
        of("vinny-sad", for_the_inner()),
        of("zayats", weekend_toys()),
    ];
    let mut spring = of("sportzal-volga", double_sport());
    if let Some(rule) = &mut spring {
        rule.effective_from = Some((end - Duration::days(45)).max(begins));
    }
    at_partners.push(spring);
    let mut all = vec![everywhere(first_visit()), everywhere(birthday())];
    all.extend(at_partners.into_iter().flatten());
    all
}

fn quiet_morning() -> RuleDefinition {
    let rate = BasisPoints::new(500);
    let mut rule = definition(
        "Тихое утро: ещё 5 %",
        "Quiet morning: 5 % more",
        Reward::ExtraRate { rate },
    );
    rule.conditions.weekdays = (1..=5).collect();
    rule.conditions.hours = Some(Hours {
        from_minute: 8 * 60,
        until_minute: 11 * 60,
    });
    rule
}

fn first_visit() -> RuleDefinition {
    let reward = Reward::Fixed { points: points(50) };
    let mut rule = definition("Первый визит: 50 баллов", "First visit: 50 points", reward);
    rule.conditions.visit = Some(Visit::First {});
    rule.conditions.minimum = Some(money(300));
    rule
}

fn birthday() -> RuleDefinition {
    let reward = Reward::Multiplier {
        factor: BasisPoints::new(30_000),
    };
    let mut rule = definition("День рождения: втрое", "Birthday: three times", reward);
    rule.conditions.birthday = Some(Birthday {
        days_before: 3,
        days_after: 3,
    });
    rule.caps.per_member = Some(MemberCap {
        points: points(1_000),
        period: Period::Year,
    });
    rule
}

fn double_books() -> RuleDefinition {
    let reward = Reward::Multiplier {
        factor: BasisPoints::new(20_000),
    };
    let mut rule = definition("Двойные баллы за книги", "Double points for books", reward);
    rule.caps.budget = Some(points(15_000));
    rule.caps.per_purchase = Some(points(300));
    rule.validity = Some(Validity::Days { count: 60 });
    rule
}

fn double_sport() -> RuleDefinition {
    let reward = Reward::Multiplier {
        factor: BasisPoints::new(20_000),
    };
    let mut rule = definition("Двойные баллы за спорт", "Double points for sport", reward);
    rule.caps.budget = Some(points(30_000));
    rule.conditions.categories = BTreeSet::from(["services".to_owned()]);
    rule.activation_delay_hours = Some(72);
    rule
}

fn fifth_visit() -> RuleDefinition {
    let reward = Reward::Fixed {
        points: points(150),
    };
    let mut rule = definition(
        "Каждый пятый визит: 150 баллов",
        "Every fifth visit: 150 points",
        reward,
    );
    rule.conditions.visit = Some(Visit::Every { n: 5 });
    rule
}

fn for_the_inner() -> RuleDefinition {
    let rate = BasisPoints::new(300);
    let mut rule = definition(
        "Для своих: ещё 3 %",
        "For the inner circle: 3 % more",
        Reward::ExtraRate { rate },
    );
    rule.conditions.tiers = ["vip", "elite", "inner_circle"].map(str::to_owned).into();
    rule
}

fn weekend_toys() -> RuleDefinition {
    let reward = Reward::Fixed {
        points: points(100),
    };
    let mut rule = definition(
        "Выходные с игрой: 100 баллов",
        "A weekend of games: 100 points",
        reward,
    );
    rule.conditions.weekdays = BTreeSet::from([6, 7]);
    rule.conditions.minimum = Some(money(2_000));
    rule.validity = Some(Validity::Days { count: 30 });
    rule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promotion_is_possible() {
        let begins: DateTime<Utc> = "2025-03-01T03:00:00Z".parse().unwrap();
        let id = BusinessId::from(uuid::Uuid::nil());
        let all = promotions(begins, begins + Duration::days(365), |_| Some(id));
        assert_eq!(all.len(), 8);
        for rule in &all {
            let tiers = ["insider", "vip", "elite", "inner_circle"];
            let faults = rule.definition.faults(
                |category| category == "services",
                |tier| tiers.contains(&tier),
            );
            assert!(faults.is_empty(), "{}: {faults:?}", rule.definition.name_en);
            assert!(
                rule.effective_until
                    .is_none_or(|until| Some(until) > rule.effective_from)
            );
        }
    }
}
