//! `owncircle operator`: the people who run the programme. The first admin comes from here.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use domain::phone::Phone;
use domain::rights::OperatorRole;
use services::members::grant_operator;

use super::with_context::with_context;
use crate::config::{Loaded, Overrides};

/// Give somebody a role in running the programme
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  owncircle operator grant --phone +79161234567 --role admin\n\n\
The person signs in by phone; somebody who is no member yet becomes one at the first sign-in."
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    pub(super) overrides: Overrides,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Give a role to the person of a phone
    Grant {
        /// The person's mobile phone
        #[arg(long)]
        phone: String,
        /// The role
        #[arg(long)]
        role: Role,
    },
}

/// A role as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    Analyst,
    Support,
    Admin,
}

impl From<Role> for OperatorRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Analyst => Self::Analyst,
            Role::Support => Self::Support,
            Role::Admin => Self::Admin,
        }
    }
}

pub(super) async fn run(args: &Args, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let Action::Grant { phone, role } = args.action.clone();
    with_context(loaded, async |context| {
        let phone = Phone::parse(&phone, context.config().default_region)
            .context("--phone is no phone number")?;
        grant_operator(&context, &phone, role.into()).await?;
        super::say(&format!(
            "{} may sign in as {}",
            phone.masked(),
            OperatorRole::from(role).as_str()
        ))
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}
