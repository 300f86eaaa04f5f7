//! The CDNOW log, which is not ours to commit: `make test` takes it from the PyPI wheel lifetimes 0.11.3.

use std::path::PathBuf;

use btyd::{Purchase, Summary, Window, day_number, summarize};

/// Purchases of the log in its order: customer (of the sample), day, spend.
pub(crate) fn purchases() -> Vec<Purchase<u32>> {
    let path = path();
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "the CDNOW log is not at {} ({error}); scripts/setup --with-test-tools puts it there, or set \
             OWNCIRCLE_CDNOW to its path",
            path.display()
        )
    });
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(purchase)
        .collect()
}

/// As told by OWNCIRCLE_CDNOW, else where scripts/setup puts it.
fn path() -> PathBuf {
    if let Some(path) = std::env::var_os("OWNCIRCLE_CDNOW") {
        return PathBuf::from(path);
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    );
    target.join("test-data/CDNOW_sample.txt")
}

fn purchase(line: &str) -> Purchase<u32> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let date: u32 = words[2].parse().expect("a date");
    let year = i32::try_from(date / 10_000).expect("a year");
    Purchase {
        customer: words[1].parse().expect("a customer"),
        day: day_number(year, date / 100 % 100, date % 100).expect("a day"),
        spend: words[4].parse().expect("a spend"),
    }
}

/// Weeks 1 to 39 for calibration, 40 to 78 held out.
pub(crate) fn window() -> Window {
    let day = |year, month, day| day_number(year, month, day).expect("a day");
    Window::weeks_until(day(1997, 9, 30)).with_holdout(day(1998, 6, 30))
}

pub(crate) fn summaries() -> Vec<(u32, Summary)> {
    summarize(purchases(), window()).expect("the log is in order")
}
