//! `owncircle audit`: recomputes the ledger, or the audit log, and names every difference.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use services::audit::{AuditReport, Difference, audit};
use services::audit_log::{Anchors, LogDifference, LogReport, check_log};

use super::decimal;
use super::with_context::with_context;
use crate::config::{Loaded, Overrides};

/// The exit code of a run with differences.
const DIFFERENT: u8 = 1;

/// The exit code of a run that came to no end.
const FAILED: u8 = 2;

/// Recompute the ledger from its entries and name every difference
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle audit\n  owncircle audit --json --limit 1000 > audit.json\n  \
owncircle audit --log\n  owncircle audit --log --anchor /mnt/copy/audit-anchor-2026-11.txt\n\n\
It reads one moment, changes nothing, and may run beside `owncircle serve`.\n\
The exit code is 0 when nothing differs, 1 when something does, 2 when the audit failed."
)]
pub(super) struct Args {
    /// Write the whole report as JSON
    #[arg(long)]
    json: bool,
    /// Recompute the audit log and its chain of hashes instead, and compare it with its anchors
    #[arg(long)]
    log: bool,
    /// The file or folder of anchors to compare with, in place of audit.anchor_dir
    #[arg(long, value_name = "FILE", requires = "log")]
    anchor: Option<PathBuf>,
    /// How many differences are named
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u16,
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

pub(super) async fn run(args: &Args, loaded: anyhow::Result<Loaded>) -> ExitCode {
    let shown = if args.log {
        show_log(args, loaded).await
    } else {
        match report(args, loaded).await {
            Ok(report) => show(args, &report).map(|()| report.is_clean()),
            Err(error) => Err(error),
        }
    };
    match shown {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(DIFFERENT),
        Err(error) => {
            // Nobody is left to tell when even this fails.
            let _ = writeln!(std::io::stderr(), "owncircle: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

async fn report(args: &Args, loaded: anyhow::Result<Loaded>) -> anyhow::Result<AuditReport> {
    let loaded = loaded?;
    let limit = args.limit;
    with_context(loaded, async |context| Ok(audit(&context, limit).await?))
        .await
        .context("the ledger was not audited")
}

/// Checks the audit log, shows what was found, and answers whether nothing differs.
async fn show_log(args: &Args, loaded: anyhow::Result<Loaded>) -> anyhow::Result<bool> {
    let loaded = loaded?;
    let report = with_context(loaded, async |context| {
        let anchors = match &args.anchor {
            Some(path) => {
                anyhow::ensure!(path.exists(), "{} does not exist", path.display());
                Anchors::At(path.clone())
            }
            None => Anchors::of(&context),
        };
        Ok(check_log(&context, &anchors, args.limit).await?)
    })
    .await
    .context("the audit log was not checked")?;
    if args.json {
        super::say(&serde_json::to_string_pretty(&report)?)?;
    } else {
        super::say(&log_text(&report)?)?;
    }
    Ok(report.is_clean())
}

fn log_text(report: &LogReport) -> anyhow::Result<String> {
    let mut text = String::new();
    let (sealed, waiting) = (report.sealed, report.waiting);
    writeln!(
        text,
        "{sealed} entries are sealed, {waiting} wait for their seal"
    )?;
    match &report.anchored {
        Some(head) => {
            let at = head.written_at.format("%Y-%m-%d %H:%M:%S UTC");
            writeln!(text, "anchored up to {} at {at}", head.sequence)?;
        }
        None => writeln!(text, "not anchored")?,
    }
    for difference in &report.named {
        writeln!(text, "{}", log_line(difference))?;
    }
    let shown = i64::try_from(report.named.len()).unwrap_or(i64::MAX);
    let more = report.differences.saturating_sub(shown);
    if more > 0 {
        writeln!(text, "… and {more} more (--limit names more of them)")?;
    }
    match report.differences {
        0 => writeln!(text, "the audit log: nothing differs")?,
        many => writeln!(text, "the audit log: {many} differences")?,
    }
    Ok(text)
}

fn log_line(difference: &LogDifference) -> String {
    let place = difference.sequence.map(|place| format!(" at {place}"));
    let entry = difference.entry_id.map(|entry| format!(" entry {entry}"));
    format!(
        "{}{}{}: {}",
        difference.check.as_str(),
        place.unwrap_or_default(),
        entry.unwrap_or_default(),
        difference.detail
    )
}

fn show(args: &Args, report: &AuditReport) -> anyhow::Result<()> {
    if args.json {
        return super::say(&serde_json::to_string_pretty(report)?);
    }
    super::say(&text(report)?)
}

fn text(report: &AuditReport) -> anyhow::Result<String> {
    let mut text = String::new();
    let (totals, points) = (&report.totals, &report.totals.points);
    writeln!(
        text,
        "{} members, {} businesses, {} lots, {} holds, {} journals with {} entries",
        totals.members,
        totals.businesses,
        totals.lots,
        totals.holds,
        totals.journals,
        totals.entries
    )?;
    let cents = |hundredths: i64| decimal(hundredths);
    writeln!(
        text,
        "{} purchases: {} in all, {} by money, {} by points; {} refunds: {} in all, {} in money",
        totals.purchases,
        cents(totals.purchase_total.hundredths()),
        cents(totals.paid_by_money.hundredths()),
        cents(totals.paid_by_points.hundredths()),
        totals.refunds,
        cents(totals.refund_amount.hundredths()),
        cents(totals.money_returned.hundredths()),
    )?;
    writeln!(
        text,
        "points: {} issued by businesses, {} by the programme; {} honoured, {} expired; \
         {} available, {} pending, {} held; {} owed",
        cents(points.issued_by_businesses.hundredths()),
        cents(points.issued_by_programme.hundredths()),
        cents(points.honoured.hundredths()),
        cents(points.breakage.hundredths()),
        cents(points.available.hundredths()),
        cents(points.pending.hundredths()),
        cents(points.held.hundredths()),
        cents(points.debt.hundredths()),
    )?;
    for difference in &report.named {
        writeln!(text, "{}", line(difference))?;
    }
    let more = report
        .differences
        .saturating_sub(i64::try_from(report.named.len()).unwrap_or(i64::MAX));
    if more > 0 {
        writeln!(text, "… and {more} more (--limit names more of them)")?;
    }
    match report.differences {
        0 => writeln!(text, "{} checks: nothing differs", report.checks)?,
        many => writeln!(text, "{} checks: {many} differences", report.checks)?,
    }
    Ok(text)
}

fn line(difference: &Difference) -> String {
    let mut line = format!("{}: {}", difference.check, difference.subject);
    let mut add = |what: &str, id: Option<String>| {
        if let Some(id) = id {
            line.push_str(what);
            line.push_str(&id);
        }
    };
    add(" ", difference.subject_id.map(|id| id.to_string()));
    if difference.subject != "member" {
        add(" of member ", difference.member_id.map(|id| id.to_string()));
    }
    add(
        " at business ",
        difference.business_id.map(|id| id.to_string()),
    );
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    format!(
        "{line}: {} must be {} and is {}",
        difference.field,
        value(&difference.expected),
        value(&difference.found)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_are_read_as_decimals() {
        assert_eq!(decimal(-7), "-0.07");
        assert_eq!(decimal(123_456), "1234.56");
    }

    #[test]
    fn a_difference_is_one_line() {
        let difference = Difference {
            check: "wallet_balance".to_owned(),
            subject: "member".to_owned(),
            subject_id: Some(uuid::Uuid::nil()),
            member_id: Some(uuid::Uuid::nil().into()),
            business_id: None,
            field: "available".to_owned(),
            expected: Some("100".to_owned()),
            found: None,
        };
        assert_eq!(
            line(&difference),
            "wallet_balance: member 00000000-0000-0000-0000-000000000000: available must be 100 and is nothing"
        );
    }
}
