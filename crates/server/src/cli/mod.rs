//! The commands, one file each. A command returns `Ok` with its exit code, or an error that is shown as one sentence
//! and its causes.

mod audit;
mod check_config;
mod demo;
mod import;
mod keys;
mod migrate;
mod openapi;
mod operator;
mod partitions;
mod rights;
mod serve;
mod with_context;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use services::audit_log::origin::{Origin, within};

use crate::config::{Loaded, Overrides, Surroundings, load};

/// Own Circle: a coalition loyalty and community programme in one server.
#[derive(Debug, Parser)]
#[command(name = "owncircle", version, about, propagate_version = true)]
#[command(
    after_help = "Without a database of your own, `owncircle serve` runs a PostgreSQL by itself: nothing else is needed.\n\
Every setting with its default stands in owncircle.example.toml; `owncircle check-config` shows what is in force."
)]
struct Cli {
    /// The configuration file; without it ./owncircle.toml, if there is one
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        env = "OWNCIRCLE_CONFIG"
    )]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Migrate(migrate::Args),
    Audit(audit::Args),
    Import(import::Args),
    Demo(demo::Args),
    Keys(keys::Args),
    Operator(operator::Args),
    Partitions(partitions::Args),
    CheckConfig(check_config::Args),
    Openapi(openapi::Args),
    Rights(rights::Args),
}

/// Reads the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(Box::pin(run(cli))));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to tell when even this fails.
            let _ = writeln!(std::io::stderr(), "owncircle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let file = cli.config;
    let read = |overrides: &Overrides| -> anyhow::Result<Loaded> {
        Ok(load(&Surroundings::of_process(file.clone()), overrides)?)
    };
    match cli.command {
        Command::Serve(args) => serve::run(read(&args.overrides)?).await,
        Command::Migrate(args) => migrate::run(&args, read(&args.overrides)?).await,
        Command::Audit(args) => Ok(audit::run(&args, read(&args.overrides)).await),
        Command::Import(args) => {
            within(
                Origin::command("import"),
                import::run(&args, read(&args.overrides)?),
            )
            .await
        }
        Command::Demo(args) => demo::run(&args, read(&args.overrides)?).await,
        Command::Keys(args) => {
            within(
                Origin::command("keys"),
                keys::run(&args, read(&args.overrides)?),
            )
            .await
        }
        Command::Operator(args) => {
            within(
                Origin::command("operator"),
                operator::run(&args, read(&args.overrides)?),
            )
            .await
        }
        Command::Partitions(args) => {
            within(
                Origin::command("partitions"),
                partitions::run(&args, read(&args.overrides)?),
            )
            .await
        }
        Command::CheckConfig(args) => check_config::run(&read(&args.overrides)?),
        Command::Openapi(args) => openapi::run(&args),
        Command::Rights(args) => rights::run(&args),
    }
}

/// Writes text to the standard output stream.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Hundredths as people read them.
fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let whole = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", whole / 100, whole % 100)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_command_explains_itself() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            assert!(sub.get_about().is_some(), "{} has no help", sub.get_name());
            assert!(
                sub.get_after_help().is_some(),
                "{} shows no example",
                sub.get_name()
            );
        }
    }
}
