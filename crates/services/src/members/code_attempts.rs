//! Wrong rotating codes, counted by business and card: a business that has tried a card in vain too often waits, whatever
//! it sends, and locks nobody else out. Each process counts what it sees, and what others tell it that they saw.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::BusinessId;

/// How many wrong codes of one card a business may send within [`WINDOW`].
const MOST: u32 = 10;

/// How long wrong codes count.
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// How many cards are watched at a time.
const CAPACITY: usize = 50_000;

/// Since when a business sends wrong codes of a card, and how many they were.
type Failures = HashMap<(BusinessId, u64), (DateTime<Utc>, u32)>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct CodeAttempts {
    failures: Mutex<Failures>,
}

impl CodeAttempts {
    /// The name of a card here and between processes: its locator's hash, cut short.
    pub(crate) fn card(locator: &str) -> u64 {
        let hash = digest::digest(&digest::SHA256, locator.as_bytes());
        let first = hash.as_ref().first_chunk::<8>().copied();
        u64::from_be_bytes(first.unwrap_or_default())
    }

    /// Whether the business has to wait with this card.
    pub(crate) fn exhausted(
        &self,
        business: BusinessId,
        locator: &str,
        now: DateTime<Utc>,
    ) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures
            .get(&(business, Self::card(locator)))
            .is_some_and(|(since, count)| now - *since < WINDOW && *count >= MOST)
    }

    /// Counts a wrong code of a card.
    pub(crate) fn count(&self, business: BusinessId, card: u64, now: DateTime<Utc>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= CAPACITY {
            failures.retain(|_, (since, _)| now - *since < WINDOW);
        }
        let entry = failures.entry((business, card)).or_insert((now, 0));
        if now - entry.0 >= WINDOW {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_codes_make_a_business_wait_and_nobody_else() {
        let attempts = CodeAttempts::default();
        let (one, other) = (
            uuid::Uuid::from_u128(1).into(),
            uuid::Uuid::from_u128(2).into(),
        );
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        for _ in 0..MOST {
            assert!(!attempts.exhausted(one, "123", now));
            attempts.count(one, CodeAttempts::card("123"), now);
        }
        assert!(attempts.exhausted(one, "123", now));
        assert!(!attempts.exhausted(one, "124", now));
        assert!(!attempts.exhausted(other, "123", now));
        assert!(!attempts.exhausted(one, "123", now + WINDOW));
    }
}
