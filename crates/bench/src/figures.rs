//! What was measured: samples by the name of their load, and their medians.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// The loads, as they are called everywhere.
pub(crate) mod name {
    pub(crate) const POST_1: &str = "posting, 1 connection";
    pub(crate) const POST_32: &str = "posting, 32 connections";
    pub(crate) const POST_64: &str = "posting, 64 connections";
    pub(crate) const POST_256: &str = "posting, 256 connections";
    pub(crate) const MIXED: &str = "posting, one in five spends points, 64 connections";
    pub(crate) const HOT_MEMBER: &str = "posting, one member has 8 %, 32 connections";
    pub(crate) const HOT_BUSINESS: &str = "posting, one business has half, 32 connections";
    pub(crate) const REDEEM: &str = "redemption from three lots, 64 connections";
    pub(crate) const QUOTE: &str = "quote, 32 connections";
    pub(crate) const BALANCE: &str = "balance, 32 connections";
    pub(crate) const BALANCE_ANEW: &str = "balance past the cache, 32 connections";
    pub(crate) const HISTORY: &str = "history page of 50, 32 connections";
    pub(crate) const IMPORT: &str = "import of a CSV file, rows";
    pub(crate) const RULES_POST: &str = "promotions of others: posting, 64 connections";
    pub(crate) const LARGE_POST: &str = "large database: posting, 64 connections";
    pub(crate) const LARGE_QUOTE: &str = "large database: quote, 32 connections";
    pub(crate) const LARGE_BALANCE: &str = "large database: balance, 32 connections";
    pub(crate) const LARGE_BALANCE_ANEW: &str =
        "large database: balance past the cache, 32 connections";
    pub(crate) const LARGE_HISTORY: &str = "large database: history page of 50, 32 connections";
    pub(crate) const LARGE_BALANCE_FEW: &str =
        "large database: balance past the cache, 4 connections";
    pub(crate) const LARGE_HISTORY_FEW: &str = "large database: history page of 50, 4 connections";
    pub(crate) const FUNCTION_1: &str = "pgbench: one function of our own, 1 client";
    pub(crate) const FUNCTION: &str = "pgbench: one function of our own";
    pub(crate) const STATEMENTS_1: &str = "pgbench: our own statements, 1 client";
    pub(crate) const STATEMENTS: &str = "pgbench: our own statements";
    pub(crate) const SET_BASED: &str = "pgbench: our own sets of 1,000, two workers, rows";
    pub(crate) const MODEL_FUNCTION_1: &str = "pgbench: the model's function, 1 client";
    pub(crate) const MODEL_FUNCTION: &str = "pgbench: the model's function";
    pub(crate) const MODEL_MULTI: &str = "pgbench: the model's statements";
    pub(crate) const MODEL_SET_BASED: &str =
        "pgbench: the model's sets of 1,000, two workers, rows";
    pub(crate) const ORM_POST: &str = "ORM peer: posting, 32 connections";
    pub(crate) const ORM_BALANCE: &str = "ORM peer: balance, 32 connections";
    pub(crate) const RAW_POST: &str = "raw peer: posting, 32 connections";
    pub(crate) const RAW_BALANCE: &str = "raw peer: balance, 32 connections";
    pub(crate) const SOAK: &str = "posting for the memory, 64 connections";

    /// One of our databases.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Database {
        /// The usual one.
        Usual,
        /// The one with a long past.
        Large,
        /// The one with many promotions.
        Rules,
    }

    /// On which of our databases a load is; those of others count as on the usual one.
    pub(crate) fn database_of(name: &str) -> Database {
        if name.starts_with("large database") {
            Database::Large
        } else if name == RULES_POST {
            Database::Rules
        } else {
            Database::Usual
        }
    }

    /// All of them in the order of the table.
    pub(crate) const ALL: [&str; 35] = [
        POST_1,
        POST_32,
        POST_64,
        POST_256,
        MIXED,
        HOT_MEMBER,
        HOT_BUSINESS,
        REDEEM,
        QUOTE,
        BALANCE,
        BALANCE_ANEW,
        HISTORY,
        IMPORT,
        RULES_POST,
        LARGE_POST,
        LARGE_QUOTE,
        LARGE_BALANCE,
        LARGE_BALANCE_ANEW,
        LARGE_HISTORY,
        LARGE_BALANCE_FEW,
        LARGE_HISTORY_FEW,
        SOAK,
        FUNCTION_1,
        FUNCTION,
        STATEMENTS_1,
        STATEMENTS,
        SET_BASED,
        MODEL_FUNCTION_1,
        MODEL_FUNCTION,
        MODEL_MULTI,
        MODEL_SET_BASED,
        ORM_POST,
        ORM_BALANCE,
        RAW_POST,
        RAW_BALANCE,
    ];
}

/// One load of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    /// Answers, transactions or rows a second.
    pub(crate) per_second: f64,
    /// The median latency, milliseconds.
    pub(crate) p50: Option<f64>,
    /// The latency that one in a hundred exceeds, milliseconds.
    pub(crate) p99: Option<f64>,
    /// Processor time of the service for each, microseconds.
    pub(crate) server_micros: Option<f64>,
    /// Processor time of PostgreSQL for each, microseconds.
    pub(crate) postgres_micros: Option<f64>,
    /// Bytes of the write-ahead log for each.
    pub(crate) wal_bytes: Option<f64>,
    /// How many cores other programs kept busy meanwhile.
    pub(crate) foreign_cores: Option<f64>,
    /// The most memory of the service that was seen, MiB.
    pub(crate) resident_mib: Option<f64>,
    /// Processor time of the load generator for each, microseconds.
    pub(crate) generator_micros: Option<f64>,
    /// As `p99`, of the requests that were counted apart.
    pub(crate) apart_p99: Option<f64>,
}

impl Sample {
    /// A sample of a rate and latencies in microseconds.
    pub(crate) fn of(per_second: f64, latency: &Histogram<u64>) -> Self {
        let millis = |quantile| Some(latency.value_at_quantile(quantile) as f64 / 1_000.0);
        Self {
            per_second,
            p50: millis(0.5),
            p99: millis(0.99),
            ..Self::default()
        }
    }
}

/// All that a run has measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Samples, a round each, by the name of their load.
    pub(crate) samples: BTreeMap<&'static str, Vec<Sample>>,
    /// Milliseconds from start to first 200, on a migrated database on another server.
    pub(crate) ready: Vec<f64>,
    /// The same with a PostgreSQL of the program's own.
    pub(crate) ready_embedded: Vec<f64>,
    /// Memory of the service before any load, MiB.
    pub(crate) idle_mib: Option<f64>,
    /// By how much memory grew between the first minute of a long load and its end, MiB.
    pub(crate) growth_mib: Option<f64>,
    /// The clients with which each pgbench script is fastest, by the name of its load.
    pub(crate) clients: BTreeMap<&'static str, u32>,
    /// Whether every audit was clean; none: there was none.
    pub(crate) audit_clean: Option<bool>,
    /// Purchases that were answered, imported or laid in, all found again.
    pub(crate) purchases: i64,
    /// What the last part, with its faults, did.
    pub(crate) faults: BTreeMap<&'static str, u64>,
    /// Remarks for the reader.
    pub(crate) remarks: Vec<String>,
}

/// The middle one of some numbers.
pub(crate) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let upper = *numbers.get(numbers.len() / 2)?;
    if numbers.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *numbers.get(numbers.len() / 2 - 1)?;
    Some(f64::midpoint(lower, upper))
}

impl Figures {
    /// The median of one figure of a load.
    pub(crate) fn median_of(&self, name: &str, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples.get(name)?.iter().filter_map(of).collect())
    }

    /// The median rate of a load.
    pub(crate) fn rate(&self, name: &str) -> Option<f64> {
        self.median_of(name, |sample| Some(sample.per_second))
    }

    /// How many cores other programs kept busy: the median of all loads, and the most.
    pub(crate) fn foreign_cores(&self) -> Option<(f64, f64)> {
        let seen: Vec<f64> = self
            .samples
            .values()
            .flatten()
            .filter_map(|sample| sample.foreign_cores)
            .collect();
        let most = seen.iter().copied().max_by(f64::total_cmp)?;
        Some((median(seen)?, most))
    }

    /// The median, over the rounds, of the ratio of two figures of the same round.
    pub(crate) fn by_round(
        &self,
        above: &str,
        below: &str,
        of: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<f64> {
        let pairs = self
            .samples
            .get(above)?
            .iter()
            .zip(self.samples.get(below)?);
        let ratios = pairs.filter_map(|(above, below)| ratio(of(above)?, of(below)?));
        median(ratios.collect())
    }

    /// The most of one figure over all loads on one of our databases.
    pub(crate) fn most(
        &self,
        database: name::Database,
        of: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<f64> {
        let loads = self.samples.iter();
        let own = loads.filter(|(name, _)| name::database_of(name) == database);
        let seen = own.flat_map(|(_, samples)| samples).filter_map(of);
        seen.max_by(f64::total_cmp)
    }

    /// The medians of every load, as JSON.
    pub(crate) fn loads(&self) -> Value {
        let details = |name: &&'static str| ((*name).to_owned(), self.details_of(name));
        let all: serde_json::Map<String, Value> = self.samples.keys().map(details).collect();
        Value::Object(all)
    }

    fn details_of(&self, name: &str) -> Value {
        let of = |pick: fn(&Sample) -> Option<f64>| self.median_of(name, pick).map(rounded);
        json!({
            "per_second": of(|sample| Some(sample.per_second)),
            "p50_ms": of(|sample| sample.p50),
            "p99_ms": of(|sample| sample.p99),
            "server_cpu_us": of(|sample| sample.server_micros),
            "postgres_cpu_us": of(|sample| sample.postgres_micros),
            "wal_bytes": of(|sample| sample.wal_bytes),
            "generator_cpu_us": of(|sample| sample.generator_micros),
            "rss_mib": of(|sample| sample.resident_mib),
            "apart_p99_ms": of(|sample| sample.apart_p99),
            "clients": self.clients.get(name),
            "rounds": self.samples.get(name).map_or(0, Vec::len),
        })
    }
}

/// One number over another; none over nothing.
pub(crate) fn ratio(above: f64, below: f64) -> Option<f64> {
    (below > 0.0).then(|| above / below)
}

/// Three digits behind the point.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(all: &[f64]) -> Vec<Sample> {
        let sample = |rate: &f64| Sample {
            per_second: *rate,
            ..Sample::default()
        };
        all.iter().map(sample).collect()
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn ratios_are_made_within_a_round() {
        let mut figures = Figures::default();
        let samples = &mut figures.samples;
        samples.insert(name::POST_64, rates(&[300.0, 100.0, 200.0]));
        samples.insert(name::FUNCTION, rates(&[100.0, 200.0, 50.0]));
        // 3, 0.5 and 4.
        let rate = |sample: &Sample| Some(sample.per_second);
        assert_eq!(
            figures.by_round(name::POST_64, name::FUNCTION, rate),
            Some(3.0)
        );
        assert_eq!(figures.by_round(name::POST_64, name::REDEEM, rate), None);
        assert_eq!(figures.most(name::Database::Usual, rate), Some(300.0));
        assert_eq!(figures.most(name::Database::Large, rate), None);
        assert_eq!(figures.loads()[name::POST_64]["rounds"], 3);
    }
}
