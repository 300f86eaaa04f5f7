//! `owncircle partitions`: the tables by month.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use chrono::NaiveDate;
use clap::Subcommand;
use services::housekeeping::maintain_partitions;
use store::partitions::Partition;

use super::with_context::with_context;
use crate::config::{Loaded, Overrides};

/// Show, make or detach the months of the large tables
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle partitions list\n  owncircle partitions make --ahead 12\n  \
owncircle partitions detach --before 2024-01 --beyond-audit\n\n\
The service makes the months to come by itself, at its start and every night, and drops old events. Detached months stay\n\
in the database as tables of their own, to be dumped and dropped: docs/archive.md."
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Action {
    /// Show the partitions: months, rows (about) and size on disk
    List,
    /// Make the months to come that are missing
    Make {
        /// How many months after the present one
        #[arg(long, value_name = "MONTHS", default_value_t = maintain_partitions::AHEAD,
              value_parser = clap::value_parser!(u8).range(0..=24))]
        ahead: u8,
    },
    /// Take old months out of purchases, journals and entries
    Detach {
        /// The first month that stays, in UTC
        #[arg(long, value_name = "YYYY-MM", value_parser = month)]
        before: NaiveDate,
        /// Yes, the audit will no longer come out even
        #[arg(long)]
        beyond_audit: bool,
    },
}

pub(super) async fn run(args: &Args, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let action = args.action;
    if let Action::Detach { beyond_audit, .. } = action {
        ensure!(
            beyond_audit,
            "the audit recomputes every balance from all entries: without the old ones it names each wallet that had any, \
             and old purchases are no longer shown or refunded. With --beyond-audit it is done nevertheless"
        );
    }
    let text = with_context(loaded, async |context| match action {
        Action::List => table(&maintain_partitions::list(&context).await?),
        Action::Make { ahead } => {
            let made = maintain_partitions::make(&context, ahead)
                .await
                .context("the partitions were not all made; try again")?;
            Ok(lines(&made, "no month was missing"))
        }
        Action::Detach { before, .. } => {
            let detached = maintain_partitions::detach(&context, before)
                .await
                .context("the months were not all detached")?;
            Ok(lines(&detached, "there is no partition that ends before"))
        }
    })
    .await?;
    super::say(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The first day of a month written as 2026-03.
fn month(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d")
        .map_err(|_| "a month is written like 2026-03".to_owned())
}

fn lines(names: &[String], none: &str) -> String {
    match names {
        [] => none.to_owned(),
        names => names.join("\n"),
    }
}

fn table(partitions: &[Partition]) -> anyhow::Result<String> {
    let mut text = format!(
        "{:40} {:8} {:8} {:>13} {:>10}\n",
        "partition", "from", "before", "rows", "KiB"
    );
    let month = |month: Option<NaiveDate>| month.map(|m| m.format("%Y-%m").to_string());
    for part in partitions {
        writeln!(
            text,
            "{:40} {:8} {:8} {:>13} {:>10}",
            part.name,
            month(part.from).unwrap_or_default(),
            month(part.until).unwrap_or_default(),
            part.rows.map_or("unknown".to_owned(), |n| n.to_string()),
            part.bytes / 1024
        )?;
    }
    let waiting = partitions
        .iter()
        .filter(|part| part.until.is_none() && part.rows > Some(0));
    for part in waiting {
        writeln!(
            text,
            "{} holds rows: `owncircle partitions make` gives them months",
            part.name
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read() {
        assert_eq!(month("2026-03").unwrap().to_string(), "2026-03-01");
        for wrong in ["2026", "2026-13", "2026-03-05", "", "March"] {
            assert!(month(wrong).is_err(), "{wrong}");
        }
    }
}
