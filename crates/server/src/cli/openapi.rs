//! `owncircle openapi`: writes the description of the API.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

/// Write the OpenAPI 3.1 description of the API
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle openapi > openapi.json\n  owncircle openapi --output openapi.json"
)]
pub(super) struct Args {
    /// The file to write; without it the standard output stream
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut text = rest_api::openapi()
        .to_pretty_json()
        .context("the description is not JSON")?;
    text.push('\n');
    match &args.output {
        Some(path) => std::fs::write(path, text)
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => super::say(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}
