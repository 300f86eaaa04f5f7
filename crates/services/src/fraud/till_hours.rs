//! What keys and outlets credited in the present hour through this process. Tills with a key are machines that post
//! thousands a second: no row of the database is touched for them, so each server counts for itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// See the module. Points are in hundredths.
#[derive(Debug, Default)]
pub(crate) struct TillHours(Mutex<Hour>);

#[derive(Debug, Default)]
struct Hour {
    begins: DateTime<Utc>,
    credited: HashMap<Uuid, i64>,
}

impl TillHours {
    /// What a key or an outlet has credited in the hour that begins at `hour`.
    pub(crate) fn credited(&self, whose: Uuid, hour: DateTime<Utc>) -> i64 {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_hour = (known.begins == hour).then(|| known.credited.get(&whose));
        of_hour.flatten().copied().unwrap_or(0)
    }

    /// Adds what was credited; what belongs to earlier hours is forgotten.
    pub(crate) fn add(&self, whose: Uuid, hour: DateTime<Utc>, points: i64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.begins < hour {
            known.begins = hour;
            known.credited.clear();
        }
        if known.begins == hour {
            let sum = known.credited.entry(whose).or_default();
            *sum = sum.saturating_add(points);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hour_begins_with_nothing() {
        let hours = TillHours::default();
        let at = |hour: i64| DateTime::from_timestamp(hour * 3_600, 0).expect("a moment");
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        hours.add(one, at(5), 30);
        hours.add(one, at(5), 12);
        assert_eq!(hours.credited(one, at(5)), 42);
        assert_eq!(hours.credited(other, at(5)), 0);
        assert_eq!(hours.credited(one, at(6)), 0);
        hours.add(other, at(6), 1);
        assert_eq!(hours.credited(one, at(6)), 0);
        hours.add(one, at(5), 7);
        assert_eq!(hours.credited(one, at(6)), 0, "a late one counts no more");
    }
}
