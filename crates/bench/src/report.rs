//! The table for people, and the part of docs/performance.md that holds the last run.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;

use crate::figures::{Figures, KEYS, Sample, median, name, ratio};
use crate::plan::Plan;

/// What encloses the last run in the document.
const BEGIN: &str = "<!-- last run: written by the bench -->";
const END: &str = "<!-- end of the last run -->";

/// What a run was made of.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// The machine in a line.
    pub(crate) machine: String,
    /// The major version of PostgreSQL.
    pub(crate) postgres: i64,
    /// The day, as 2026-03-02.
    pub(crate) day: String,
    /// The command.
    pub(crate) command: &'static str,
    /// The sizes.
    pub(crate) plan: Plan,
}

/// The loads in the order of the table.
fn loads() -> Vec<&'static str> {
    let ours = [name::POST_1, name::POST_32, name::POST_64, name::POST_256];
    let rest = [name::REDEEM, name::QUOTE, name::BALANCE, name::IMPORT];
    let peers = name::FUNCTION.iter().chain(&name::OWN);
    let peers = peers.map(|(_, name)| *name);
    ours.into_iter().chain(rest).chain(peers).collect()
}

/// The table of medians, as Markdown.
///
/// # Errors
/// Never: it writes to a string.
pub(crate) fn table(figures: &Figures) -> anyhow::Result<String> {
    let mut text = String::from(
        "| load | a second | p50 ms | p99 ms | server CPU µs each | PostgreSQL CPU µs each | WAL bytes each |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    for name in loads() {
        if figures.rate(name).is_none() {
            continue;
        }
        let cell = |of: fn(&Sample) -> Option<f64>, digits: usize| {
            let value = figures.median_of(name, of);
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            cell(|sample| Some(sample.per_second), 0),
            cell(|sample| sample.p50, 2),
            cell(|sample| sample.p99, 2),
            cell(|sample| sample.server_micros, 0),
            cell(|sample| sample.postgres_micros, 0),
            cell(|sample| sample.wal_bytes, 0),
        )?;
    }
    Ok(text)
}

/// The table of keys, and what was not measured.
///
/// # Errors
/// Never: it writes to a string.
pub(crate) fn keys(figures: &Figures) -> anyhow::Result<String> {
    let mut text = String::from("| key | value |\n|---|---:|\n");
    let mut missing = Vec::new();
    for key in KEYS {
        match figures.key(key) {
            Some(value) => writeln!(text, "| {key} | {value} |")?,
            None => missing.push(key),
        }
    }
    if let Some(embedded) = median(figures.ready_embedded.clone()) {
        writeln!(
            text,
            "| ready with its own PostgreSQL, ms | {embedded:.0} |"
        )?;
    }
    let one = |name: &str| figures.median_of(name, |sample| sample.p50);
    if let (Some(ours), Some(function)) = (one(name::POST_1), one(name::FUNCTION[0].1))
        && let Some(times) = ratio(ours, function)
    {
        writeln!(text, "| one client, p50 over the function's | {times:.2} |")?;
    }
    if let Some(best) = figures.best_function() {
        writeln!(text, "| the function's best rate, a second | {best:.0} |")?;
    }
    writeln!(text, "\nNot measured: {}.", missing.join(", "))?;
    Ok(text)
}

/// The last run, as it stands in the document.
///
/// # Errors
/// Never: it writes to a string.
pub(crate) fn last_run(figures: &Figures, about: &About) -> anyhow::Result<String> {
    let plan = &about.plan;
    let others = figures.foreign_cores().map_or_else(String::new, |(usual, most)| {
        format!(" Other programs kept {usual:.2} cores busy in the middle load, {most:.2} in the worst.")
    });
    Ok(format!(
        "{}: `{}` on {}, PostgreSQL {}. {} rounds of {} s ({} s for one connection and reads, {} s for \
         pgbench), {} members, {} businesses; medians. {} purchases, all found again; every audit clean.{}\n\n{}\n{}",
        about.day,
        about.command,
        about.machine,
        about.postgres,
        plan.rounds,
        plan.time.as_secs(),
        plan.short.as_secs(),
        plan.pgbench.as_secs(),
        plan.members,
        plan.businesses,
        figures.purchases,
        others,
        table(figures)?,
        keys(figures)?,
    ))
}

/// Puts the last run into the document, in place of the one before.
///
/// # Errors
/// If the document has no place for it.
pub(crate) fn write_document(path: &Path, run: &str) -> anyhow::Result<()> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).context(shown.clone())?;
    let new = replaced(&text, run).with_context(|| format!("{shown} has no place for a run"))?;
    std::fs::write(path, new).context(shown)
}

fn replaced(text: &str, run: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{run}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_run_is_replaced() {
        let text = format!("# a\n{BEGIN}\nold\n{END}\nz\n");
        let new = replaced(&text, "new").expect("a place");
        assert_eq!(new, format!("# a\n{BEGIN}\n\nnew\n{END}\nz\n"));
        assert_eq!(replaced("no place", "new"), None);
    }

    #[test]
    fn the_table_has_a_line_for_each_load_that_ran() {
        let mut figures = Figures::default();
        let sample = Sample {
            per_second: 1234.4,
            p50: Some(0.5),
            ..Sample::default()
        };
        figures.samples.insert(name::POST_64, vec![sample]);
        let table = table(&figures).expect("a table");
        assert_eq!(table.lines().count(), 3);
        assert!(
            table.ends_with("| posting, 64 connections | 1234 | 0.50 | – | – | – | – |\n"),
            "{table}"
        );
        assert!(
            keys(&figures)
                .expect("keys")
                .contains("Not measured: posting_vs_function")
        );
    }
}
