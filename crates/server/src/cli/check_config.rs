//! `owncircle check-config`: shows what is in force, secrets hidden.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::config::{Loaded, Overrides};

/// Check the configuration and show what is in force, secrets hidden
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle check-config\n  owncircle check-config --config /etc/owncircle.toml\n  \
OWNCIRCLE_LIMITS__BURST=50 owncircle check-config\n\nThe exit code is 0 when the configuration is sound."
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

pub(super) fn run(loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    match &loaded.file {
        Some(file) => writeln!(
            text,
            "# from {}, the environment and the defaults",
            file.display()
        )?,
        None => text.push_str("# from the environment and the defaults; no owncircle.toml here\n"),
    }
    if loaded.config.data_dir.is_none() {
        let chosen = crate::data_dir::choose(&loaded.config)?;
        writeln!(text, "# data_dir is not set; chosen: {}", chosen.display())?;
    }
    text.push_str(&toml::to_string(&loaded.config)?);
    super::say(&text)?;
    Ok(ExitCode::SUCCESS)
}
