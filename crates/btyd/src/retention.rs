//! Who comes back: retention of cohorts by calendar period and by days since the first purchase, and lifecycle classes.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;

/// One cohort: the customers who were first active in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// The period of the first activity.
    pub period: i32,
    /// Number of customers.
    pub size: u32,
    /// Customers active in the period itself, in the next, and so on to the last period.
    pub bounded: Vec<u32>,
    /// Customers active in that period or any later one; never increases, and sinks towards the end because later
    /// activity has not been seen yet.
    pub unbounded: Vec<u32>,
}

/// Counts of one period; `active = new + returning + resurrecting`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// First active in this period.
    pub new: u32,
    /// Active now and in the period before.
    pub returning: u32,
    /// Active now, not in the period before, but earlier.
    pub resurrecting: u32,
    /// Active in the period before, not now.
    pub dormant: u32,
}

impl Lifecycle {
    /// Customers active in the period.
    #[must_use]
    pub fn active(&self) -> u32 {
        self.new + self.returning + self.resurrecting
    }
}

fn by_customer<K: Ord>(activity: impl IntoIterator<Item = (K, i32)>) -> BTreeMap<K, BTreeSet<i32>> {
    let mut customers: BTreeMap<K, BTreeSet<i32>> = BTreeMap::new();
    for (customer, period) in activity {
        customers.entry(customer).or_default().insert(period);
    }
    customers
}

/// Cohort retention, bounded and unbounded, from the periods in which customers were active (months counted through,
/// say), in any order and with repeats. Each customer's first period in the data is the cohort, so give the whole past;
/// `last` is the last period that is over, and later activity is left out.
#[must_use]
pub fn cohorts<K: Ord>(activity: impl IntoIterator<Item = (K, i32)>, last: i32) -> Vec<Cohort> {
    let mut cohorts: BTreeMap<i32, Cohort> = BTreeMap::new();
    for periods in by_customer(activity).values() {
        let seen: Vec<i32> = periods.iter().copied().filter(|one| *one <= last).collect();
        let (Some(&first), Some(&latest)) = (seen.first(), seen.last()) else {
            continue;
        };
        let offset = |period: i32| usize::try_from(i64::from(period) - i64::from(first));
        let cohort = cohorts.entry(first).or_insert_with(|| Cohort {
            period: first,
            size: 0,
            bounded: vec![0; offset(last).unwrap_or(0) + 1],
            unbounded: vec![0; offset(last).unwrap_or(0) + 1],
        });
        cohort.size += 1;
        for place in seen.iter().filter_map(|period| offset(*period).ok()) {
            cohort.bounded[place] += 1;
        }
        let reached = offset(latest).unwrap_or(0);
        for count in &mut cohort.unbounded[..=reached] {
            *count += 1;
        }
    }
    cohorts.into_values().collect()
}

/// Lifecycle classes of each period from the first with activity to `last`. Give the whole past: a customer is new in
/// the first period in the data.
#[must_use]
pub fn lifecycle<K: Ord>(
    activity: impl IntoIterator<Item = (K, i32)>,
    last: i32,
) -> BTreeMap<i32, Lifecycle> {
    let customers = by_customer(activity);
    let mut table = BTreeMap::new();
    let first = customers.values().filter_map(|periods| periods.first());
    if let Some(&first) = first.min() {
        for period in first..=last {
            table.insert(period, Lifecycle::default());
        }
    }
    for periods in customers.values() {
        let mut before: Option<i32> = None;
        for &period in periods {
            if let Some(count) = table.get_mut(&period) {
                match before {
                    None => count.new += 1,
                    Some(earlier) if earlier.checked_add(1) == Some(period) => count.returning += 1,
                    Some(_) => count.resurrecting += 1,
                }
            }
            let next = period.checked_add(1);
            if let Some(next) = next.filter(|next| !periods.contains(next))
                && let Some(count) = table.get_mut(&next)
            {
                count.dormant += 1;
            }
            before = Some(period);
        }
    }
    table
}

/// How many customers came back on, until and from the `n`-th day after their first purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayRetention {
    /// Customers with a first purchase.
    pub customers: u32,
    /// Active on day `n` exactly.
    pub exactly: u32,
    /// Active on a day from 1 to `n`.
    pub within: u32,
    /// Active on day `n` or later.
    pub from: u32,
}

/// Retention by days since the first purchase, from purchase days in any order.
#[must_use]
pub fn day_retention<K: Ord>(activity: impl IntoIterator<Item = (K, i32)>, n: u16) -> DayRetention {
    let mut result = DayRetention::default();
    let n = i64::from(n);
    for days in by_customer(activity).values() {
        let first = days.first().copied().map_or(0, i64::from);
        let since = || days.iter().map(|day| i64::from(*day) - first);
        result.customers += 1;
        result.exactly += u32::from(since().any(|day| day == n));
        result.within += u32::from(since().any(|day| (1..=n).contains(&day)));
        result.from += u32::from(since().any(|day| day >= n));
    }
    result
}

/// One bucket of rolling retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Customers whose bucket lies wholly within the observation.
    pub eligible: u32,
    /// Those of them who were active in it.
    pub active: u32,
}

impl Bucket {
    /// Share of the eligible who were active; `None` if nobody is eligible.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.eligible > 0).then(|| f64::from(self.active) / f64::from(self.eligible))
    }
}

/// Retention in `count` buckets of `length` days since each customer's first purchase day, which begins bucket 0. Only
/// buckets that end by `observation_end` (a day included) count.
///
/// # Errors
/// [`Error::Parameter`] for a length of 0.
pub fn rolling_retention<K: Ord>(
    activity: impl IntoIterator<Item = (K, i32)>,
    length: u16,
    count: u16,
    observation_end: i32,
) -> Result<Vec<Bucket>, Error> {
    if length == 0 {
        return Err(Error::Parameter {
            name: "length",
            value: 0.0,
        });
    }
    let mut buckets = vec![Bucket::default(); usize::from(count)];
    let length = i64::from(length);
    for days in by_customer(activity).values() {
        let first = days.first().copied().map_or(0, i64::from);
        let seen: BTreeSet<i64> = days
            .iter()
            .map(|day| (i64::from(*day) - first) / length)
            .collect();
        for (k, bucket) in (0_i64..).zip(&mut buckets) {
            let end = first + (k + 1) * length - 1;
            if end <= i64::from(observation_end) {
                bucket.eligible += 1;
                bucket.active += u32::from(seen.contains(&k));
            }
        }
    }
    Ok(buckets)
}
