//! Job: does on time what time does to wallets.

use jobs::{Handler, Job, JobError, JobRun, OnDuplicate};
use serde::{Deserialize, Serialize};

use super::advance_wallets::advance_wallets;
use crate::context::Context;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AdvanceWallets;

impl Job for AdvanceWallets {
    const NAME: &'static str = "loyalty.advance_wallets";
    /// One at a time: two would wait for each other's wallets.
    const QUEUE: Option<&'static str> = Some("loyalty.advance_wallets");
    const ON_DUPLICATE: OnDuplicate = OnDuplicate::KeepRunAt;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for AdvanceWallets {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        let advanced = tokio::select! {
            advanced = advance_wallets(&ctx) => advanced,
            () = run.stop.cancelled() => return Err(JobError::retry("the worker stops")),
        };
        let wallets = advanced.map_err(JobError::retry)?;
        if wallets > 0 {
            tracing::debug!(wallets, "brought to the present");
        }
        Ok(())
    }
}
