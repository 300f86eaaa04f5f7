//! Job: throws exports away whose day is over.

use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::transaction;

/// How many one transaction throws away.
const STEP: i64 = 500;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForgetExports;

impl Job for ForgetExports {
    const NAME: &'static str = "personal_data.forget_exports";
    const PRIORITY: i16 = 10;

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for ForgetExports {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        let before = ctx.clock().now();
        loop {
            let gone = transaction::run(&ctx, (), move |conn, ()| {
                Box::pin(store::exports::forget(conn, before, STEP))
            });
            let gone = gone.await.map_err(JobError::retry)?;
            if gone < STEP.unsigned_abs() {
                return Ok(());
            }
            if run.stop.is_cancelled() {
                return Err(JobError::retry("the worker stops"));
            }
        }
    }
}
