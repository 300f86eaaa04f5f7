//! `owncircle keys`: the keys that sign access tokens.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Subcommand;
use services::auth::signing_keys::{self, Haste, SigningKeyView};

use super::with_context::with_context;
use crate::config::{Loaded, Overrides};

/// Show, rotate or revoke the keys that sign access tokens
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle keys list\n  owncircle keys rotate\n  \
owncircle keys revoke KID\n\n\
A running service sees a rotation within seconds. The next key is published for a day before it signs, the one before it\n\
verifies until its last token has run out: nobody is signed out. The worker rotates by itself every 30 days.\n\
A revoked key is refused within seconds; whoever holds a token of it renews it with the refresh token."
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Show the keys: their names, states and ages; never the keys themselves
    List,
    /// Let the next key sign from now on, and make another one after it
    Rotate {
        /// Rotate although the next key is published for less than a day
        #[arg(long)]
        now: bool,
    },
    /// Take a key out of use at once, for instance because it was stolen
    Revoke {
        /// The key's name, as the list shows it
        kid: String,
    },
}

pub(super) async fn run(args: &Args, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let action = args.action.clone();
    let keys = with_context(loaded, async |context| {
        Ok(match action {
            Action::List => signing_keys::list(&context).await?,
            Action::Rotate { now } => {
                let haste = if now { Haste::Now } else { Haste::WhenKnown };
                signing_keys::rotate(&context, haste).await?
            }
            Action::Revoke { kid } => signing_keys::revoke(&context, &kid).await?,
        })
    })
    .await?;
    super::say(&table(&keys)?)?;
    Ok(ExitCode::SUCCESS)
}

fn table(keys: &[SigningKeyView]) -> anyhow::Result<String> {
    let mut text = String::new();
    for key in keys {
        let made = key.created_at.format("%Y-%m-%d %H:%M UTC");
        writeln!(text, "{:8} {} {} made {made}", key.state, key.alg, key.kid)?;
    }
    Ok(text)
}
