//! `owncircle operator`: the people who run the programme. The first admin comes from here.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use domain::phone::Phone;
use domain::rights::OperatorRole;
use services::auth::factors::issue_enrolment_code_as_system;
use services::members::{grant_operator, member_of_phone};

use super::with_context::with_context;
use crate::config::{Loaded, Overrides};

/// Give somebody a role in running the programme
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  owncircle operator grant --phone +79161234567 --role admin\n  \
owncircle operator code --phone +79161234567\n\n\
The person signs in by phone together with the printed code, enrols a passkey or a password with an authenticator, and\n\
signs in with that; somebody who is no member yet becomes one at the first sign-in. The code is good once, for three\n\
days; hand it over on another way than by phone."
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
    /// Print a new code for enrolling a second factor, for whoever has none or lost it
    Code {
        /// The person's mobile phone
        #[arg(long)]
        phone: String,
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
    let action = args.action.clone();
    with_context(loaded, async |context| {
        let (Action::Grant { phone, .. } | Action::Code { phone }) = &action;
        let phone = Phone::parse(phone, context.config().default_region)
            .context("--phone is no phone number")?;
        let (member, granted) = match action {
            Action::Grant { role, .. } => {
                let role = OperatorRole::from(role);
                let member = grant_operator(&context, &phone, role).await?;
                let granted = format!("{} may sign in as {}\n", phone.masked(), role.as_str());
                (member, granted)
            }
            Action::Code { .. } => {
                let member = member_of_phone(&context, &phone).await?;
                (member.context("no member has this phone")?, String::new())
            }
        };
        let code = issue_enrolment_code_as_system(&context, member).await?;
        super::say(&format!(
            "{granted}enrolment code, good once, for three days: {}",
            code.reveal()
        ))
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}
