//! Files of purchases for `owncircle import`, and the command itself.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};

use crate::load::Id;
use crate::population::phone;
use crate::program::Program;
use crate::stage::FIRST_BUSINESS;

/// A row of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Its number, unique for ever.
    pub(crate) receipt: Id,
    /// When it was bought.
    pub(crate) at: DateTime<Utc>,
    /// Who bought, as a number of the population.
    pub(crate) member: usize,
    /// The bill in kopecks.
    pub(crate) total: usize,
}

/// Posts rows as purchases at the first business; tells how long the command took, its start and the parsing included.
///
/// # Errors
/// If it fails or posts less than everything.
pub(crate) async fn import(program: &Program, rows: &[Row]) -> anyhow::Result<Duration> {
    let file = program
        .folder
        .join(format!("purchases-{}.csv", program.name));
    std::fs::write(&file, csv(rows)?).context("the file to be imported")?;
    let path = file.to_string_lossy();
    let started = Instant::now();
    let command = ["import", "--json", "--business", FIRST_BUSINESS, &*path];
    let printed = program.run_well(&command).await?;
    let elapsed = started.elapsed();
    let told: serde_json::Value = serde_json::from_str(&printed)?;
    ensure!(
        told["posted"] == rows.len(),
        "not all rows were posted: {told}"
    );
    Ok(elapsed)
}

fn csv(rows: &[Row]) -> anyhow::Result<String> {
    let mut text = String::from("receipt_number,occurred_at,phone,total\n");
    for row in rows {
        writeln!(
            text,
            "{},{},{},{}.{:02}",
            std::str::from_utf8(&row.receipt)?,
            row.at.to_rfc3339(),
            phone(row.member),
            row.total / 100,
            row.total % 100,
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_line() {
        let row = Row {
            receipt: [b'a'; 36],
            at: DateTime::UNIX_EPOCH,
            member: 0,
            total: 12_305,
        };
        let text = csv(&[row]).expect("text");
        let line = text.lines().nth(1).expect("a line");
        assert_eq!(
            line,
            format!(
                "{},1970-01-01T00:00:00+00:00,+79990001000,123.05",
                "a".repeat(36)
            )
        );
    }
}
