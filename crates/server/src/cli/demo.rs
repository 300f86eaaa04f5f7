//! `owncircle demo`: the service with a small coalition in it.

use std::process::ExitCode;

use super::serve;
use crate::config::{Environment, Loaded, Overrides, SecondFactor};
use crate::database::{Database, Sharing};
use crate::demo::{self, MOST_MEMBERS, Size};
use crate::{data_dir, telemetry, wiring};

/// Run the service with a small coalition and a year of history in it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle demo\n  owncircle demo --members 200 --months 3 --seed 7\n  \
owncircle demo --fill-only\n\nAn empty database is filled first; then the service runs as with `owncircle serve`, and the addresses, \
phones to sign in\nwith and the key of a till are printed. A filled one is left as it is. The same seed gives the same coalition."
)]
pub(super) struct Args {
    /// How many members
    #[arg(long, value_name = "N", default_value_t = 2_000,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_MEMBERS)))]
    members: u32,
    /// How many months of history
    #[arg(long, value_name = "N", default_value_t = 12,
        value_parser = clap::value_parser!(u32).range(1..=60))]
    months: u32,
    /// From what everything is drawn
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Fill the database, print the sign-ins and end
    #[arg(long)]
    fill_only: bool,
    /// Hold staff and operators to a second factor, as a real service does; without it a code by phone is enough here
    #[arg(long)]
    second_factor: bool,
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

pub(super) async fn run(args: &Args, mut loaded: Loaded) -> anyhow::Result<ExitCode> {
    if !args.second_factor && loaded.config.environment == Environment::Development {
        loaded.config.auth.staff_second_factor = SecondFactor::Optional;
    }
    let size = Size {
        members: args.members,
        months: args.months,
        seed: args.seed,
    };
    if args.fill_only {
        return fill_only(size, loaded).await;
    }
    serve::run_with(loaded, async |config, folder, database| {
        Box::pin(demo::prepare(config, folder, database, size))
            .await
            .map(Some)
    })
    .await
}

async fn fill_only(size: Size, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let config = loaded.config;
    telemetry::install_log(&config.log)?;
    let folder = data_dir::prepare(&config)?;
    let database = Database::open(&config, &folder, Sharing::Shared).await?;
    let filled = Box::pin(async {
        database.migrate(None).await?;
        let context = wiring::context(&config, &folder, &database).await?;
        wiring::start_programme(&config, &context).await?;
        services::auth::signing_keys::ensure(&context).await?;
        context.close().await;
        demo::prepare(&config, &folder, &database, size).await
    })
    .await;
    database.close().await;
    super::say(&filled?)?;
    Ok(ExitCode::SUCCESS)
}
