//! Rules of one business, or those that hold everywhere, ordered so that a purchase finds the few that concern it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use domain::loyalty::rule::Rule;

/// How many selections of one business are kept.
const KEPT: usize = 64;

/// Versions of rules that are not switched off, complete from a moment on.
#[derive(Debug)]
pub(super) struct RuleList {
    /// In order of rule and version.
    rules: Arc<[Rule]>,
    /// The moments at which one begins or ends, in order.
    bounds: Vec<DateTime<Utc>>,
    /// The places of those without categories.
    plain: Vec<usize>,
    /// The places of the others, by category.
    by_category: BTreeMap<String, Vec<usize>>,
    since: DateTime<Utc>,
    /// How many versions there were, the ended ones among them, before these were read.
    versions: i64,
}

impl RuleList {
    /// `rules` are in order of rule and version, and all those in force at `since` or later are among them, if there are
    /// `versions` in all.
    pub(super) fn new(rules: Vec<Rule>, since: DateTime<Utc>, versions: i64) -> Self {
        let ends = rules.iter().filter_map(|rule| rule.effective_until);
        let bounds: BTreeSet<DateTime<Utc>> = rules
            .iter()
            .map(|rule| rule.effective_from)
            .chain(ends)
            .collect();
        let (mut plain, mut by_category) = (Vec::new(), BTreeMap::<String, Vec<usize>>::new());
        for (place, rule) in rules.iter().enumerate() {
            let categories = &rule.definition.conditions.categories;
            if categories.is_empty() {
                plain.push(place);
            }
            for category in categories {
                by_category.entry(category.clone()).or_default().push(place);
            }
        }
        Self {
            rules: rules.into(),
            bounds: bounds.into_iter().collect(),
            plain,
            by_category,
            since,
            versions,
        }
    }

    /// Whether it need not be read again: `since` is covered, and there are no more versions than there were.
    pub(super) fn holds(&self, since: DateTime<Utc>, versions: i64) -> bool {
        self.since <= since && self.versions == versions
    }

    /// How many bounds a moment has passed: between two bounds nothing changes.
    fn segment(&self, moment: DateTime<Utc>) -> usize {
        self.bounds.partition_point(|bound| *bound <= moment)
    }

    /// The places of the rules in force at a moment that concern these categories, in order.
    fn select(&self, moment: DateTime<Utc>, which: &Which) -> Vec<usize> {
        let in_force = |place: &usize| {
            let rule = &self.rules[*place];
            rule.effective_from <= moment && rule.effective_until.is_none_or(|end| end > moment)
        };
        match which {
            Which::All => (0..self.rules.len()).filter(in_force).collect(),
            Which::Of(categories) => {
                let named = categories
                    .iter()
                    .filter_map(|category| self.by_category.get(category))
                    .flatten();
                let places: BTreeSet<usize> = self.plain.iter().chain(named).copied().collect();
                places.into_iter().filter(in_force).collect()
            }
        }
    }
}

/// For which categories rules are selected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Which {
    /// For all.
    All,
    /// For those of these for which there are rules, in order.
    Of(Vec<String>),
}

/// What a selection depends on: how many bounds of either list have passed, and the categories.
type Key = (usize, usize, Which);

/// The rules of a business together with those that hold everywhere. What is selected of them is kept: most purchases
/// ask for the same.
#[derive(Debug)]
pub(super) struct Selection {
    own: Arc<RuleList>,
    everywhere: Arc<RuleList>,
    kept: Mutex<BTreeMap<Key, Arc<[Rule]>>>,
}

impl Selection {
    pub(super) fn new(own: Arc<RuleList>, everywhere: Arc<RuleList>) -> Self {
        Self {
            own,
            everywhere,
            kept: Mutex::default(),
        }
    }

    pub(super) fn is_with(&self, everywhere: &Arc<RuleList>) -> bool {
        Arc::ptr_eq(&self.everywhere, everywhere)
    }

    pub(super) fn len(&self) -> usize {
        self.own.rules.len() + self.everywhere.rules.len()
    }

    pub(super) fn at(&self, moment: DateTime<Utc>) -> Option<Arc<[Rule]>> {
        self.select(moment, Which::All)
    }

    pub(super) fn of_categories<'c>(
        &self,
        moment: DateTime<Utc>,
        categories: impl IntoIterator<Item = &'c str>,
    ) -> Option<Arc<[Rule]>> {
        let lists = [&self.own.by_category, &self.everywhere.by_category];
        if lists.iter().all(|list| list.is_empty()) {
            return self.at(moment);
        }
        let named: BTreeSet<&str> = categories
            .into_iter()
            .filter(|category| lists.iter().any(|list| list.contains_key(*category)))
            .collect();
        let named = named.into_iter().map(str::to_owned).collect();
        self.select(moment, Which::Of(named))
    }

    fn select(&self, moment: DateTime<Utc>, which: Which) -> Option<Arc<[Rule]>> {
        if moment < self.own.since.max(self.everywhere.since) {
            return None;
        }
        let (own, everywhere) = (self.own.segment(moment), self.everywhere.segment(moment));
        let key = (own, everywhere, which);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = kept.get(&key) {
            return Some(Arc::clone(rules));
        }
        let rules = self.merge(moment, &key.2);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&rules));
        Some(rules)
    }

    /// Both lists as one, oldest rule first.
    fn merge(&self, moment: DateTime<Utc>, which: &Which) -> Arc<[Rule]> {
        let own = self.own.select(moment, which);
        let everywhere = self.everywhere.select(moment, which);
        let whole = |list: &RuleList, places: &[usize]| places.len() == list.rules.len();
        if everywhere.is_empty() && whole(&self.own, &own) {
            return Arc::clone(&self.own.rules);
        }
        if own.is_empty() && whole(&self.everywhere, &everywhere) {
            return Arc::clone(&self.everywhere.rules);
        }
        let own = own.into_iter().map(|place| &self.own.rules[place]);
        let everywhere = everywhere
            .into_iter()
            .map(|place| &self.everywhere.rules[place]);
        let mut rules: Vec<&Rule> = own.chain(everywhere).collect();
        rules.sort_by_key(|rule| (rule.id, rule.version));
        rules.into_iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
