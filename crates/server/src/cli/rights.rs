//! `owncircle rights`: writes the table of who may call which operation.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

/// Write the table of who may call which operation
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  owncircle rights\n  owncircle rights --output docs/rights.md")]
pub(super) struct Args {
    /// The file to write; without it the standard output stream
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = rest_api::rights_page();
    match &args.output {
        Some(path) => std::fs::write(path, text)
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => super::say(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}
