//! `owncircle personal-data`: the change of the keys that protect personal data.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Subcommand;
use services::personal_data::reseal::{reseal, under_old_keys};

use super::with_context::with_context;
use crate::config::{Loaded, Overrides};

/// Show or change the key under which personal data is kept
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle personal-data status\n  owncircle personal-data reseal\n\n\
Works beside a running service, in small steps; broken off, it goes on where it stopped. The settings data_keys, data_key and\n\
data_key_oldest say which keys there are; docs/security.md tells the order of the steps."
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Action {
    /// Count what is not under the keys in use
    Status,
    /// Bring everything under the keys in use
    Reseal,
}

pub(super) async fn run(args: &Args, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let action = args.action;
    let text = with_context(loaded, async |context| {
        let mut text = String::new();
        let left = match action {
            Action::Status => under_old_keys(&context).await?,
            Action::Reseal => {
                let done = reseal(&context).await?;
                writeln!(text, "{} rows exchanged", done.rows)?;
                done.left
            }
        };
        for one in &left {
            writeln!(text, "{:20} {}", one.place, one.rows)?;
        }
        let key = context.vault().data_key();
        if left.is_empty() {
            writeln!(text, "nothing is left under another key than {key}")?;
        }
        Ok(text)
    })
    .await?;
    super::say(&text)?;
    Ok(ExitCode::SUCCESS)
}
