//! What a list of rules selects, and when.

use domain::ids::BusinessId;
use domain::loyalty::lot::Funder;
use domain::loyalty::rule::{Caps, Conditions, Reward, RuleDefinition};
use domain::money::Points;
use uuid::Uuid;

use super::*;

fn hour(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + number * 3600, 0).unwrap()
}

fn rule(number: u128, own: bool, from: i64, until: Option<i64>, categories: &[&str]) -> Rule {
    Rule {
        id: Uuid::from_u128(number).into(),
        version: 1,
        business: own.then(|| BusinessId::from(Uuid::from_u128(1))),
        funder: Funder::Programme,
        effective_from: hour(from),
        effective_until: until.map(hour),
        definition: RuleDefinition {
            name_ru: number.to_string(),
            name_en: number.to_string(),
            active: true,
            reward: Reward::Fixed {
                points: Points::from_hundredths(100),
            },
            conditions: Conditions {
                categories: categories.iter().map(|name| (*name).to_owned()).collect(),
                ..Conditions::default()
            },
            caps: Caps::default(),
            activation_delay_hours: None,
            validity: None,
        },
    }
}

const CATEGORIES: [&[&str]; 4] = [&[], &["food"], &["pets"], &["food", "wine"]];

/// Rules of all lives and categories, every second one of the business.
fn town() -> Vec<Rule> {
    let mut rules = Vec::new();
    for from in [1, 2, 3] {
        for until in [Some(3), Some(4), Some(5), None] {
            for categories in CATEGORIES {
                let number = 1000 - u128::try_from(rules.len()).unwrap() * 7 % 101;
                rules.push(rule(number, number % 2 == 0, from, until, categories));
            }
        }
    }
    rules.sort_by_key(|rule| rule.id);
    rules
}

fn list(rules: &[Rule], own: bool) -> Arc<RuleList> {
    let rules = rules.iter().filter(|rule| rule.business.is_some() == own);
    Arc::new(RuleList::new(rules.cloned().collect(), hour(0), 48))
}

fn ids(rules: &[Rule]) -> Vec<u128> {
    let number = |rule: &Rule| rule.id.as_uuid().as_u128();
    rules.iter().map(number).collect()
}

fn check(rules: &[Rule]) {
    let selection = Selection::new(list(rules, true), list(rules, false));
    for half_hour in 0..14 {
        let moment = hour(0) + chrono::TimeDelta::minutes(half_hour * 30);
        let in_force: Vec<Rule> = rules
            .iter()
            .filter(|r| r.effective_from <= moment)
            .filter(|r| r.effective_until.is_none_or(|end| end > moment))
            .cloned()
            .collect();
        assert_eq!(ids(&selection.at(moment).unwrap()), ids(&in_force));
        for basket in [&["general"][..], &["wine", "general"], &["pets", "food"]] {
            let concern: Vec<Rule> = in_force
                .iter()
                .filter(|r| {
                    let categories = &r.definition.conditions.categories;
                    categories.is_empty() || basket.iter().any(|name| categories.contains(*name))
                })
                .cloned()
                .collect();
            let basket = basket.iter().copied();
            let found = selection.of_categories(moment, basket).unwrap();
            assert_eq!(ids(&found), ids(&concern), "{moment}");
        }
    }
}

#[test]
fn a_purchase_finds_the_rules_that_concern_it_in_order() {
    let rules = town();
    check(&rules);
    let of = |own: bool| {
        let some = rules.iter().filter(|rule| rule.business.is_some() == own);
        some.cloned().collect::<Vec<_>>()
    };
    check(&of(true));
    check(&of(false));
    check(&[]);
}

#[test]
fn older_moments_are_for_the_database() {
    let selection = Selection::new(list(&town(), true), list(&[], false));
    assert!(selection.at(hour(-1)).is_none());
    assert!(selection.of_categories(hour(-1), ["food"]).is_none());
}

#[test]
fn what_is_selected_twice_is_made_once() {
    let rules = town();
    let selection = Selection::new(list(&rules, true), list(&rules, false));
    let first = selection.of_categories(hour(3), ["food", "general"]);
    let again = selection.of_categories(hour(3), ["other", "food"]);
    assert!(Arc::ptr_eq(&first.unwrap(), &again.unwrap()));
}

#[test]
fn a_list_holds_until_there_is_a_new_version_or_more_of_the_past_is_wanted() {
    let list = list(&town(), true);
    assert!(list.holds(hour(0), 48));
    assert!(list.holds(hour(1), 48));
    assert!(!list.holds(hour(1), 49));
    assert!(!list.holds(hour(-5), 48));
}
