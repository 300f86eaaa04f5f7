//! Job: posts the purchases of a file that has been received.

use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::run::{self, RunEnd, RunError};
use crate::context::Context;

/// The payload.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ImportPurchases {
    /// Which import.
    pub import_id: Uuid,
}

impl Job for ImportPurchases {
    const NAME: &'static str = "imports.import_purchases";
    // Whatever somebody waits for comes first.
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(self.import_id.to_string())
    }
}

impl Handler<Context> for ImportPurchases {
    async fn run(self, ctx: Context, job: JobRun) -> Result<(), JobError> {
        let error = match run::run(&ctx, self.import_id, &job.stop, |_| ()).await {
            Ok(RunEnd::Ended(_)) => return Ok(()),
            Ok(RunEnd::Stopped(import)) => {
                let done = import.rows;
                return Err(JobError::retry(format_args!("stopped after {done} rows")));
            }
            Ok(RunEnd::Busy) => return Err(JobError::retry("another worker has this import")),
            Err(RunError::Unknown) => return Err(JobError::give_up(RunError::Unknown)),
            Err(error) => error,
        };
        if job.attempt >= job.max_attempts {
            let failure = ("internal", "the work on the file failed again and again");
            if let Err(error) = run::give_up(&ctx, self.import_id, failure).await {
                tracing::error!(import = %self.import_id, %error, "an import that failed can't be marked so");
            }
        }
        Err(JobError::retry(error))
    }
}
