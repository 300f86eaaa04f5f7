//! The table for people, and the part of docs/performance.md that holds the last run.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use crate::figures::{Figures, Sample, name};
use crate::measures::MEASURES;
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
    pub(crate) command: String,
    /// The sizes.
    pub(crate) plan: Plan,
}

impl About {
    /// The same as JSON.
    pub(crate) fn json(&self) -> Value {
        json!({
            "day": self.day,
            "command": self.command,
            "machine": self.machine,
            "postgres": self.postgres,
            "rounds": self.plan.rounds,
            "seconds": self.plan.time.as_secs(),
            "members": self.plan.members,
            "businesses": self.plan.businesses,
            "growth_rows": self.plan.growth_rows,
            "soak_seconds": self.plan.soak.as_secs(),
        })
    }
}

/// The table of medians, as Markdown.
///
/// # Errors
/// Never: it writes to a string.
pub(crate) fn table(figures: &Figures) -> anyhow::Result<String> {
    let mut text = String::from(
        "| load | a second | p50 ms | p99 ms | server CPU µs each | PostgreSQL CPU µs each | WAL bytes each | generator CPU µs each |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for name in name::ALL {
        if figures.rate(name).is_none() {
            continue;
        }
        let clients = figures.clients.get(name);
        let clients = clients.map_or_else(String::new, |count| format!(", {count} clients"));
        let cell = |of: fn(&Sample) -> Option<f64>, digits: usize| {
            let value = figures.median_of(name, of);
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        writeln!(
            text,
            "| {name}{clients} | {} | {} | {} | {} | {} | {} | {} |",
            cell(|sample| Some(sample.per_second), 0),
            cell(|sample| sample.p50, 2),
            cell(|sample| sample.p99, 2),
            cell(|sample| sample.server_micros, 0),
            cell(|sample| sample.postgres_micros, 0),
            cell(|sample| sample.wal_bytes, 0),
            cell(|sample| sample.generator_micros, 0),
        )?;
    }
    Ok(text)
}

/// The table of measures with their goals, and what was not measured.
///
/// # Errors
/// Never: it writes to a string.
pub(crate) fn measures(figures: &Figures) -> anyhow::Result<String> {
    let mut text = String::from("| measure | value | goal | reached |\n|---|---:|---:|---|\n");
    let mut missing = String::new();
    for measure in MEASURES {
        let key = measure.key;
        let Some(value) = measure.value(figures) else {
            write!(missing, "\n- `{key}`: {}", measure.why_not())?;
            continue;
        };
        let goal = measure
            .goal
            .map_or_else(String::new, crate::measures::Goal::text);
        let reached = match measure.reached(figures) {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        writeln!(text, "| {key} | {value} | {goal} | {reached} |")?;
    }
    if !missing.is_empty() {
        writeln!(text, "\nNot measured:\n{missing}")?;
    }
    Ok(text)
}

/// The last run, as it stands in the document.
///
/// # Errors
/// Never: it writes to a string.
pub(crate) fn last_run(figures: &Figures, about: &About) -> anyhow::Result<String> {
    let plan = &about.plan;
    let mut remarks = String::new();
    if let Some((usual, most)) = figures.foreign_cores() {
        write!(
            remarks,
            " Other programs kept {usual:.2} cores busy in the middle load, {most:.2} in the worst."
        )?;
    }
    for remark in &figures.remarks {
        write!(remarks, " {remark}.")?;
    }
    Ok(format!(
        "{}: `{}` on {}, PostgreSQL {}. Medians of {} rounds, each load {} s ({} s for one connection and reads), {} \
         members, {} businesses. {} purchases, all found again; every audit clean.{remarks}\n\n{}\n{}",
        about.day,
        about.command,
        about.machine,
        about.postgres,
        plan.rounds,
        plan.time.as_secs(),
        plan.short.as_secs(),
        plan.members,
        plan.businesses,
        figures.purchases,
        measures(figures)?,
        table(figures)?,
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
            table.ends_with("| posting, 64 connections | 1234 | 0.50 | – | – | – | – | – |\n"),
            "{table}"
        );
        let measures = measures(&figures).expect("measures");
        assert!(
            measures.contains("- `growth_quote`: there was no large database"),
            "{measures}"
        );
    }
}
