//! The keys of the JSON that later runs are compared by, each with its goal and how it comes from the samples.

use serde_json::{Value, json};

use crate::figures::name::Database;
use crate::figures::{Figures, Sample, median, name, rounded};

/// What a measure is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    True,
}

/// What is missing when a measure has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: every run has it.
    Nothing,
    /// The programs of others.
    Peers,
    /// The large database.
    Growth,
    /// A long load.
    Soak,
}

/// A number, or a yes or no, that a run comes down to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// Its key.
    pub(crate) key: &'static str,
    /// Its goal.
    pub(crate) goal: Option<Goal>,
    /// What a run must have for it.
    pub(crate) needs: Needs,
    of: fn(&Figures) -> Option<f64>,
}

const fn measure(
    key: &'static str,
    goal: Option<Goal>,
    needs: Needs,
    of: fn(&Figures) -> Option<f64>,
) -> Measure {
    Measure {
        key,
        goal,
        needs,
        of,
    }
}

const fn least(value: f64) -> Option<Goal> {
    Some(Goal::AtLeast(value))
}

const fn most(value: f64) -> Option<Goal> {
    Some(Goal::AtMost(value))
}

use Needs::{Growth, Nothing, Peers, Soak};

/// All of them, in the order in which they are told.
pub(crate) const MEASURES: &[Measure] = &[
    measure("posting_vs_function", least(2.0), Nothing, |f| {
        f.rates(name::POST_64, f.function())
    }),
    measure("posting_256_vs_function", least(2.5), Nothing, |f| {
        f.rates(name::POST_256, f.function())
    }),
    measure("posting_vs_orm_peer", least(30.0), Peers, |f| {
        f.rates(name::POST_64, name::ORM_POST)
    }),
    measure("posting_vs_raw_peer", least(4.5), Peers, |f| {
        f.rates(name::POST_64, name::RAW_POST)
    }),
    measure("p99_over_p50", most(3.0), Nothing, |f| {
        f.median_of(name::POST_32, |sample| Some(sample.p99? / sample.p50?))
    }),
    measure("redemption_vs_plain", least(0.7), Nothing, |f| {
        f.rates(name::REDEEM, name::POST_64)
    }),
    measure("balance_vs_orm_peer", least(12.0), Peers, |f| {
        f.rates(name::BALANCE, name::ORM_BALANCE)
    }),
    measure("balance_vs_raw_peer", least(4.0), Peers, |f| {
        f.rates(name::BALANCE, name::RAW_BALANCE)
    }),
    measure("import_vs_set_based", least(0.8), Nothing, |f| {
        f.rates(name::IMPORT, f.set_based())
    }),
    measure("import_rows_per_s", least(10_000.0), Nothing, |f| {
        f.rate(name::IMPORT)
    }),
    measure("growth_posting", least(0.9), Growth, |f| {
        f.rates(name::LARGE_POST, name::POST_64)
    }),
    measure("growth_balance", least(0.95), Growth, |f| {
        f.rates(name::LARGE_BALANCE, name::BALANCE)
    }),
    measure("growth_quote", least(0.9), Growth, |f| {
        f.rates(name::LARGE_QUOTE, name::QUOTE)
    }),
    measure("rules_10k_vs_none", least(0.95), Nothing, |f| {
        f.rates(name::RULES_POST, name::POST_64)
    }),
    measure("server_cpu_us", most(150.0), Nothing, |f| {
        f.median_of(name::POST_64, |sample| sample.server_micros)
    }),
    measure("postgres_cpu_us", most(300.0), Nothing, |f| {
        f.median_of(name::POST_64, |sample| sample.postgres_micros)
    }),
    measure("wal_bytes", most(4_096.0), Nothing, |f| {
        f.median_of(name::POST_64, |sample| sample.wal_bytes)
    }),
    measure("rss_idle_mib", most(40.0), Nothing, |f| f.idle_mib),
    measure("rss_load_mib", most(80.0), Nothing, |f| {
        f.most(Database::Usual, |sample| sample.resident_mib)
    }),
    measure("ready_ms", most(300.0), Nothing, |f| {
        median(f.ready.clone())
    }),
    measure("audit_clean", Some(Goal::True), Nothing, |f| {
        f.audit_clean.map(|clean| if clean { 1.0 } else { 0.0 })
    }),
    // Beside the keys above, whose names are fixed: the rest of what a run is held to.
    measure("one_client_p50_vs_function", most(2.5), Nothing, |f| {
        f.by_round(name::POST_1, f.function_1(), |sample| sample.p50)
    }),
    measure("hot_member_p99_vs_usual", most(3.0), Nothing, |f| {
        f.by_round(name::HOT_MEMBER, name::POST_32, |sample| sample.p99)
    }),
    measure("hot_business_p99_vs_usual", most(1.2), Nothing, |f| {
        f.by_round(name::HOT_BUSINESS, name::POST_32, |sample| sample.p99)
    }),
    measure("large_balance_p99_ms", most(5.0), Growth, |f| {
        f.median_of(name::LARGE_BALANCE_FEW, |sample| sample.p99)
    }),
    measure("large_history_p99_ms", most(5.0), Growth, |f| {
        f.median_of(name::LARGE_HISTORY_FEW, |sample| sample.p99)
    }),
    measure("ready_embedded_ms", most(3_000.0), Nothing, |f| {
        median(f.ready_embedded.clone())
    }),
    measure("rss_growth_mib", most(4.0), Soak, |f| f.growth_mib),
    measure("rss_large_mib", None, Growth, |f| {
        f.most(Database::Large, |sample| sample.resident_mib)
    }),
    measure("rss_rules_mib", None, Nothing, |f| {
        f.most(Database::Rules, |sample| sample.resident_mib)
    }),
    measure("posting_vs_own_function", None, Nothing, |f| {
        f.rates(name::POST_64, name::FUNCTION)
    }),
    measure("posting_vs_own_statements", None, Nothing, |f| {
        f.rates(name::POST_64, name::STATEMENTS)
    }),
    measure("posting_mixed_vs_function", None, Nothing, |f| {
        f.rates(name::MIXED, f.function())
    }),
    measure("import_vs_own_set_based", None, Nothing, |f| {
        f.rates(name::IMPORT, name::SET_BASED)
    }),
    measure("balance_anew_vs_raw_peer", None, Peers, |f| {
        f.rates(name::BALANCE_ANEW, name::RAW_BALANCE)
    }),
    measure("growth_balance_anew", None, Growth, |f| {
        f.rates(name::LARGE_BALANCE_ANEW, name::BALANCE_ANEW)
    }),
    measure("growth_history", None, Growth, |f| {
        f.rates(name::LARGE_HISTORY, name::HISTORY)
    }),
    measure("generator_cpu_us", most(20.0), Nothing, |f| {
        f.median_of(name::POST_64, |sample| sample.generator_micros)
    }),
];

impl Measure {
    /// Its value, if it was measured.
    pub(crate) fn value(&self, figures: &Figures) -> Option<Value> {
        let value = (self.of)(figures)?;
        Some(match self.goal {
            Some(Goal::True) => json!(value > 0.5),
            _ => json!(rounded(value)),
        })
    }

    /// Whether the goal is reached; none: there is no goal or no value.
    pub(crate) fn reached(&self, figures: &Figures) -> Option<bool> {
        let value = (self.of)(figures)?;
        Some(match self.goal? {
            Goal::AtLeast(goal) => value >= goal,
            Goal::AtMost(goal) => value <= goal,
            Goal::True => value > 0.5,
        })
    }

    /// Why a run has no value for it.
    pub(crate) fn why_not(&self) -> &'static str {
        match self.needs {
            Nothing => "the run did not come to it",
            Peers => "BENCH_PEERS names no folder with the programs of others",
            Growth => "there was no large database: --growth-rows 0, as in a quick run",
            Soak => "there was no long load: --soak 0, as in a quick run",
        }
    }
}

impl Goal {
    /// The goal as people read it.
    pub(crate) fn text(self) -> String {
        match self {
            Self::AtLeast(value) => format!("≥ {value}"),
            Self::AtMost(value) => format!("≤ {value}"),
            Self::True => "true".to_owned(),
        }
    }
}

impl Figures {
    /// The ratio of two rates, round by round.
    fn rates(&self, above: &str, below: &str) -> Option<f64> {
        self.by_round(above, below, |sample: &Sample| Some(sample.per_second))
    }

    /// The function that posting is held against: the model's, else our own.
    fn function(&self) -> &'static str {
        self.first_measured(name::MODEL_FUNCTION, name::FUNCTION)
    }

    fn function_1(&self) -> &'static str {
        self.first_measured(name::MODEL_FUNCTION_1, name::FUNCTION_1)
    }

    fn set_based(&self) -> &'static str {
        self.first_measured(name::MODEL_SET_BASED, name::SET_BASED)
    }

    fn first_measured(&self, first: &'static str, second: &'static str) -> &'static str {
        if self.samples.contains_key(first) {
            first
        } else {
            second
        }
    }

    /// The JSON: every measure or null, why something is null, and the medians behind them.
    pub(crate) fn json(&self) -> Value {
        let mut all = serde_json::Map::new();
        let mut missing = serde_json::Map::new();
        let mut unreached = Vec::new();
        for measure in MEASURES {
            let value = measure.value(self);
            if value.is_none() {
                missing.insert(measure.key.to_owned(), json!(measure.why_not()));
            }
            if measure.reached(self) == Some(false) {
                unreached.push(measure.key);
            }
            all.insert(measure.key.to_owned(), value.unwrap_or(Value::Null));
        }
        all.insert("not_measured".to_owned(), Value::Object(missing));
        all.insert("not_reached".to_owned(), json!(unreached));
        all.insert("compared_with".to_owned(), json!(self.function()));
        all.insert("loads".to_owned(), self.loads());
        all.insert("faults".to_owned(), json!(self.faults));
        all.insert("remarks".to_owned(), json!(self.remarks));
        all.insert("purchases".to_owned(), json!(self.purchases));
        if let Some((usual, most)) = self.foreign_cores() {
            let cores = json!({ "median": rounded(usual), "most": rounded(most) });
            all.insert("other_programs_cores".to_owned(), cores);
        }
        Value::Object(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys whose names others rely on.
    const FIXED: [&str; 21] = [
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

    fn sample(per_second: f64) -> Vec<Sample> {
        vec![Sample {
            per_second,
            ..Sample::default()
        }]
    }

    #[test]
    fn every_key_is_there_and_what_was_not_measured_says_why() {
        let json = Figures::default().json();
        for key in FIXED {
            assert_eq!(json.get(key), Some(&Value::Null), "{key}");
            assert!(json["not_measured"][key].is_string(), "{key}");
        }
        assert_eq!(json["not_reached"], json!([]));
    }

    #[test]
    fn the_models_function_counts_if_it_was_measured() {
        let mut figures = Figures::default();
        figures.samples.insert(name::POST_64, sample(300.0));
        figures.samples.insert(name::FUNCTION, sample(100.0));
        figures.audit_clean = Some(true);
        let json = figures.json();
        assert_eq!(json["posting_vs_function"], 3.0);
        assert_eq!(json["posting_vs_own_function"], 3.0);
        assert_eq!(json["audit_clean"], true);
        assert!(json["not_measured"].get("posting_vs_function").is_none());
        figures.samples.insert(name::MODEL_FUNCTION, sample(200.0));
        let json = figures.json();
        assert_eq!(json["posting_vs_function"], 1.5);
        assert_eq!(json["posting_vs_own_function"], 3.0);
        assert_eq!(json["not_reached"], json!(["posting_vs_function"]));
    }

    #[test]
    fn every_load_has_its_place_in_the_table() {
        let all: std::collections::BTreeSet<&str> = name::ALL.into_iter().collect();
        assert_eq!(all.len(), name::ALL.len());
    }
}
