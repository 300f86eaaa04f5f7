//! `owncircle migrate`: brings the database to a version.

use std::process::ExitCode;

use anyhow::Context;

use crate::config::{Loaded, Overrides};
use crate::database::{Database, Sharing};
use crate::{data_dir, telemetry};

/// Bring the database up to date, or to one version
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle migrate            to the latest version\n  owncircle migrate --to 3     to version 3, \
forward or back\n\nGoing back loses what the undone migrations had kept; 0 is an empty database.\n\
`owncircle serve` brings the database up to date by itself."
)]
pub(super) struct Args {
    /// The version to move to, forward or back; without it the latest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    to: Option<i64>,
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

pub(super) async fn run(args: &Args, loaded: Loaded) -> anyhow::Result<ExitCode> {
    telemetry::install_log(&loaded.config.log)?;
    let folder = data_dir::prepare(&loaded.config)?;
    let database = Database::open(&loaded.config, &folder, Sharing::Shared).await?;
    let moved = database.migrate(args.to).await;
    database.close().await;
    let moved = moved.context("the database was not migrated")?;
    super::say(&format!(
        "migrated from version {} to {}",
        moved.from, moved.to
    ))?;
    Ok(ExitCode::SUCCESS)
}
