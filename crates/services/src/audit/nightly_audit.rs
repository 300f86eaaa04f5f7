//! Job: audits the ledger and keeps what was found.

use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use super::check_ledger::audit_and_keep;
use crate::context::Context;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NightlyAudit;

impl Job for NightlyAudit {
    const NAME: &'static str = "audit.nightly_audit";
    const MAX_ATTEMPTS: i16 = 5;
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for NightlyAudit {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        tokio::select! {
            kept = audit_and_keep(&ctx) => kept.map(|_| ()).map_err(JobError::retry),
            () = run.stop.cancelled() => Err(JobError::retry("the worker stops")),
        }
    }
}
