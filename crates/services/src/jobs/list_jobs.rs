//! Shows an admin the queue, a page at a time, with counts and schedules.

use ::jobs::admin::{self, Filter, JobCount, JobRow, State};
use ::jobs::schedule::{self, ScheduleRow};
use domain::rights::OperatorRole;
use store::error::StoreError;

use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;

/// Which jobs to show.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of this name.
    pub job: Option<String>,
    /// Only those older than this one.
    pub before: Option<i64>,
}

/// The queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs {
    /// A page of jobs, newest first.
    pub jobs: Vec<JobRow>,
    /// How many there are, by name and state, whatever the filter.
    pub counts: Vec<JobCount>,
    /// What runs by the clock.
    pub schedules: Vec<ScheduleRow>,
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ListJobsError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The queue: at most `limit` jobs, newest first.
///
/// # Errors
/// See [`ListJobsError`].
pub async fn list_jobs(
    ctx: &Context,
    caller: &OperatorCaller,
    filter: &JobFilter,
    limit: u16,
) -> Result<Jobs, ListJobsError> {
    caller.require(OperatorRole::Admin)?;
    let mut conn = ctx.connection().await?;
    let which = Filter {
        state: filter.state,
        job: filter.job.as_deref(),
        before: filter.before,
    };
    let jobs = admin::list(&mut conn, which, i64::from(limit)).await;
    let jobs = jobs.map_err(StoreError)?;
    let counts = admin::counts(&mut conn).await.map_err(StoreError)?;
    let schedules = ctx.config().timetable.schedules();
    let schedules = schedule::list(&mut conn, schedules, ctx.clock().now()).await;
    Ok(Jobs {
        jobs,
        counts,
        schedules: schedules.map_err(StoreError)?,
    })
}
