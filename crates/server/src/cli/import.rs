//! `owncircle import`: posts a file of purchases through the same services as an upload, and goes on with one that was
//! interrupted.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use domain::ids::BusinessId;
use serde_json::json;
use services::context::Context;
use services::imports::local::{LocalFile, business_named, cdnow_business, import_file};
use services::imports::show::{VerdictFilter, VerdictRow, verdicts};
use services::imports::{Import, ImportFormat, ImportState};
use tokio_util::sync::CancellationToken;

use crate::config::{Loaded, Overrides};
use crate::database::{Database, Sharing};
use crate::signals::Signals;
use crate::{data_dir, telemetry, wiring};

/// The exit code when rows were refused.
const SOME_REFUSED: u8 = 2;

/// How many refused rows are shown.
const SHOWN: i64 = 20;

/// How much of a file is looked at to tell its form, in bytes.
const BEGINNING: u64 = 4096;

/// How often the progress is shown.
const INTERVAL: Duration = Duration::from_secs(1);

/// Post a file of purchases, or go on with one that was interrupted
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle import --business cafe-luna purchases.csv\n  \
owncircle import --business cafe-luna --dry-run purchases.ndjson\n  owncircle import CDNOW_sample.txt\n\n\
CSV is UTF-8 with a header: receipt_number, occurred_at, one or more of phone, card_number and customer_id, total, and if\n\
wanted not_earning, not_payable, category, location_id, cashier. NDJSON has one object a line, as POST /transactions takes\n\
it. The CDNOW sample makes a business of its own if none is named.\n\
No row is posted twice: stopped or killed half-way, the same command goes on where it was. It may run beside `owncircle\n\
serve`. The exit code is 0 when every row is posted, now or before, 2 when some were refused, 1 when the import failed."
)]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    /// Whose purchases they are: the short name or the identifier of the business
    #[arg(long, short, value_name = "NAME")]
    business: Option<String>,
    /// The form of the file
    #[arg(long, value_enum, default_value_t = Form::Auto)]
    format: Form,
    /// Decide every row and post nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the outcome as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

/// The form of a file, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Told by the first line
    Auto,
    /// Comma-, semicolon- or tab-separated values
    Csv,
    /// One JSON object a line
    Ndjson,
    /// The CDNOW sample
    Cdnow,
}

pub(super) async fn run(args: &Args, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let format = format_of(args).with_context(|| format!("cannot read {}", args.file.display()))?;
    telemetry::install_log(&loaded.config.log)?;
    let signals = Signals::listen()?;
    let folder = data_dir::prepare(&loaded.config)?;
    let database = Database::open(&loaded.config, &folder, Sharing::Shared).await?;
    let outcome = Box::pin(with_database(
        args,
        format,
        &loaded,
        &folder,
        &database,
        signals.stop(),
    ))
    .await;
    database.close().await;
    let (import, refused) = outcome.context("the file was not imported")?;
    let text = if args.json {
        serde_json::to_string_pretty(&as_json(&import, &refused))?
    } else {
        as_text(&import, &refused)?
    };
    super::say(&text)?;
    Ok(match (import.state, import.refused) {
        (ImportState::Done, 0) => ExitCode::SUCCESS,
        (ImportState::Done, _) => ExitCode::from(SOME_REFUSED),
        _ => ExitCode::FAILURE,
    })
}

fn format_of(args: &Args) -> std::io::Result<ImportFormat> {
    let mut beginning = Vec::new();
    std::fs::File::open(&args.file)?
        .take(BEGINNING)
        .read_to_end(&mut beginning)?;
    Ok(match args.format {
        Form::Auto => ImportFormat::guess(&beginning),
        Form::Csv => ImportFormat::Csv,
        Form::Ndjson => ImportFormat::Ndjson,
        Form::Cdnow => ImportFormat::Cdnow,
    })
}

async fn with_database(
    args: &Args,
    format: ImportFormat,
    loaded: &Loaded,
    folder: &Path,
    database: &Database,
    stop: &CancellationToken,
) -> anyhow::Result<(Import, Vec<VerdictRow>)> {
    database.migrate(None).await?;
    let context = wiring::context(&loaded.config, folder, database).await?;
    let outcome = async {
        wiring::start_programme(&loaded.config, &context).await?;
        let file = LocalFile {
            path: args.file.clone(),
            business: business(args, format, &context).await?,
            format,
            dry_run: args.dry_run,
        };
        let mut shown: Option<Instant> = None;
        let import = import_file(&context, &file, stop, |import| {
            if shown.is_none_or(|last| last.elapsed() >= INTERVAL) {
                shown = Some(Instant::now());
                tell(&progress(import));
            }
        })
        .await?;
        let filter = VerdictFilter {
            only_refused: true,
            after: 0,
            limit: SHOWN,
        };
        let refused = verdicts(&context, import.business, import.id, filter).await?;
        Ok((import, refused))
    };
    let outcome = Box::pin(outcome).await;
    context.close().await;
    outcome
}

async fn business(
    args: &Args,
    format: ImportFormat,
    context: &Context,
) -> anyhow::Result<BusinessId> {
    match &args.business {
        Some(name) => business_named(context, name)
            .await?
            .with_context(|| format!("there is no business {name}")),
        None if format == ImportFormat::Cdnow => Ok(cdnow_business(context).await?),
        None => bail!("name the business whose purchases they are: --business NAME"),
    }
}

/// Writes a line to the standard error stream.
fn tell(text: &str) {
    // The work goes on even if nobody reads.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn progress(import: &Import) -> String {
    let percent = import.bytes_done.saturating_mul(100) / import.bytes_total.max(1);
    format!(
        "{percent} %: {} rows, {} posted, {} posted before, {} refused",
        import.rows, import.posted, import.duplicates, import.refused
    )
}

fn as_text(import: &Import, refused: &[VerdictRow]) -> anyhow::Result<String> {
    let mut text = String::new();
    let posted = if import.dry_run {
        "would be posted (dry run)"
    } else {
        "posted"
    };
    writeln!(
        text,
        "{} rows: {} {posted}, {} posted before, {} refused",
        import.rows, import.posted, import.duplicates, import.refused
    )?;
    writeln!(
        text,
        "money {}, points earned {}",
        super::decimal(import.money.hundredths()),
        super::decimal(import.points.hundredths())
    )?;
    for row in refused {
        let place = row
            .place
            .as_ref()
            .map_or_else(String::new, |place| format!(" at {place}"));
        writeln!(
            text,
            "row {} (line {}): {}{place}: {}",
            row.row_number, row.line, row.code, row.detail
        )?;
    }
    let more = import.refused - i64::try_from(refused.len()).unwrap_or(i64::MAX);
    if more > 0 {
        writeln!(text, "… and {more} more")?;
    }
    match (&import.state, &import.failure) {
        (ImportState::Done, _) => {}
        (_, Some((code, detail))) => writeln!(text, "the import failed: {code}: {detail}")?,
        _ => text.push_str("stopped; the same command goes on where it was\n"),
    }
    Ok(text)
}

fn as_json(import: &Import, refused: &[VerdictRow]) -> serde_json::Value {
    let rows: Vec<_> = refused
        .iter()
        .map(|row| {
            json!({
                "row": row.row_number,
                "line": row.line,
                "code": row.code,
                "place": row.place,
                "detail": row.detail,
                "receipt_number": row.receipt_number,
                "transaction_id": row.transaction_id,
            })
        })
        .collect();
    json!({
        "id": import.id,
        "business_id": import.business,
        "state": import.state.as_str(),
        "failure": import.failure.as_ref().map(|(code, detail)| json!({ "code": code, "detail": detail })),
        "dry_run": import.dry_run,
        "rows": import.rows,
        "posted": import.posted,
        "duplicates": import.duplicates,
        "refused": import.refused,
        "total": import.money,
        "points_earned": import.points,
        "first_refused": rows,
    })
}
