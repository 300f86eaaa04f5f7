//! What was measured: samples by name, their medians, and the keys of the JSON that later runs are compared by.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// All keys that the JSON may have; those that a run did not measure are listed there by name.
pub(crate) const KEYS: [&str; 21] = [
    "posting_vs_function",
    "posting_256_vs_function",
    "posting_vs_orm_peer",
    "posting_vs_raw_peer",
    "p99_over_p50",
    "redemption_vs_plain",
    "balance_vs_orm_peer",
    "balance_vs_raw_peer",
    "import_vs_set_based",
    "import_rows_per_s",
    "growth_posting",
    "growth_balance",
    "growth_quote",
    "rules_10k_vs_none",
    "server_cpu_us",
    "postgres_cpu_us",
    "wal_bytes",
    "rss_idle_mib",
    "rss_load_mib",
    "ready_ms",
    "audit_clean",
];

/// The loads, as they are called everywhere.
pub(crate) mod name {
    pub(crate) const POST_1: &str = "posting, 1 connection";
    pub(crate) const POST_32: &str = "posting, 32 connections";
    pub(crate) const POST_64: &str = "posting, 64 connections";
    pub(crate) const POST_256: &str = "posting, 256 connections";
    pub(crate) const REDEEM: &str = "redemption from three lots, 64 connections";
    pub(crate) const QUOTE: &str = "quote, 32 connections";
    pub(crate) const BALANCE: &str = "balance, 32 connections";
    pub(crate) const IMPORT: &str = "import of a CSV file, rows";
    pub(crate) const FUNCTION: [(u32, &str); 3] = [
        (1, "pgbench, one function, 1 client"),
        (8, "pgbench, one function, 8 clients"),
        (32, "pgbench, one function, 32 clients"),
    ];
    pub(crate) const OWN: [(u32, &str); 3] = [
        (1, "pgbench, own statements, 1 client"),
        (8, "pgbench, own statements, 8 clients"),
        (32, "pgbench, own statements, 32 clients"),
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
    /// Whether every audit was clean; none: there was none.
    pub(crate) audit_clean: Option<bool>,
    /// Purchases that were answered, imported or laid in, all found again.
    pub(crate) purchases: i64,
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

    /// The best median rate of the function, whatever the number of clients.
    pub(crate) fn best_function(&self) -> Option<f64> {
        let rates = name::FUNCTION
            .iter()
            .filter_map(|(_, name)| self.rate(name));
        rates.max_by(f64::total_cmp)
    }

    /// The median, over the rounds, of the ratio of two rates of the same round.
    fn by_round(&self, above: &str, below: &[&str]) -> Option<f64> {
        let best_below = |round: usize| {
            let samples = below.iter().filter_map(|name| self.samples.get(name));
            let rates = samples.filter_map(|samples| Some(samples.get(round)?.per_second));
            rates.max_by(f64::total_cmp)
        };
        let above = self.samples.get(above)?.iter().enumerate();
        let ratios =
            above.filter_map(|(round, sample)| ratio(sample.per_second, best_below(round)?));
        median(ratios.collect())
    }

    /// The value of a key, if it was measured.
    pub(crate) fn key(&self, key: &str) -> Option<Value> {
        let function: Vec<&str> = name::FUNCTION.iter().map(|(_, name)| *name).collect();
        let number = |value: Option<f64>| value.map(|value| json!(rounded(value)));
        let post = |of: fn(&Sample) -> Option<f64>| self.median_of(name::POST_64, of);
        match key {
            "posting_vs_function" => number(self.by_round(name::POST_64, &function)),
            "posting_256_vs_function" => number(self.by_round(name::POST_256, &function)),
            "p99_over_p50" => {
                let spread = |sample: &Sample| ratio(sample.p99?, sample.p50?);
                number(self.median_of(name::POST_32, spread))
            }
            "redemption_vs_plain" => number(self.by_round(name::REDEEM, &[name::POST_64])),
            "import_rows_per_s" => number(self.rate(name::IMPORT)),
            "server_cpu_us" => number(post(|sample| sample.server_micros)),
            "postgres_cpu_us" => number(post(|sample| sample.postgres_micros)),
            "wal_bytes" => number(post(|sample| sample.wal_bytes)),
            "rss_idle_mib" => number(self.idle_mib),
            "rss_load_mib" => {
                let seen = self.samples.values().flatten();
                let most = seen.filter_map(|sample| sample.resident_mib);
                number(most.max_by(f64::total_cmp))
            }
            "ready_ms" => number(median(self.ready.clone())),
            "audit_clean" => self.audit_clean.map(Value::Bool),
            _ => None,
        }
    }

    /// The JSON: the keys that were measured, the names of the others, and the medians behind them.
    pub(crate) fn json(&self) -> Value {
        let mut all = serde_json::Map::new();
        let mut missing = Vec::new();
        for key in KEYS {
            match self.key(key) {
                Some(value) => {
                    all.insert(key.to_owned(), value);
                }
                None => missing.push(key),
            }
        }
        all.insert("not_measured".to_owned(), json!(missing));
        let details: serde_json::Map<String, Value> = self
            .samples
            .keys()
            .map(|name| ((*name).to_owned(), self.details_of(name)))
            .collect();
        all.insert("loads".to_owned(), Value::Object(details));
        let embedded = median(self.ready_embedded.clone()).map(rounded);
        all.insert("ready_embedded_ms".to_owned(), json!(embedded));
        if let Some((usual, most)) = self.foreign_cores() {
            let cores = json!({ "median": rounded(usual), "most": rounded(most) });
            all.insert("other_programs_cores".to_owned(), cores);
        }
        all.insert("purchases".to_owned(), json!(self.purchases));
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
    fn what_was_not_measured_is_named_and_not_made_up() {
        let mut figures = Figures::default();
        let nothing = figures.json();
        assert_eq!(nothing["not_measured"].as_array().map(Vec::len), Some(21));
        figures
            .samples
            .insert(name::POST_64, rates(&[300.0, 100.0, 200.0]));
        figures
            .samples
            .insert(name::FUNCTION[1].1, rates(&[100.0, 100.0, 50.0]));
        figures
            .samples
            .insert(name::FUNCTION[2].1, rates(&[50.0, 200.0, 40.0]));
        figures.audit_clean = Some(true);
        let json = figures.json();
        // Round by round against the best: 3, 0.5 and 4.
        assert_eq!(json["posting_vs_function"], 3.0);
        assert_eq!(json["audit_clean"], true);
        assert_eq!(json.get("growth_posting"), None);
        let missing = json["not_measured"].as_array().expect("a list");
        assert!(missing.contains(&json!("growth_posting")));
        assert!(!missing.contains(&json!("posting_vs_function")));
        let present = KEYS.iter().filter(|key| json.get(**key).is_some()).count();
        assert_eq!(present + missing.len(), KEYS.len());
    }
}
