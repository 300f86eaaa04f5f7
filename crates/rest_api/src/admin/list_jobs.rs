//! GET /admin/jobs: the queue, what runs by the clock, and the dead letters.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use http_kit::{ApiQuery, By, HttpKit, PageLimit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use services::caller::OperatorCaller;
use services::jobs::{JobCount, JobFilter, JobRow, JobState, ScheduleRow, list_jobs};
use utoipa::{IntoParams, ToSchema};

use crate::problem::ApiResult;

/// Where a job stands. A job that succeeded is gone.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStateName {
    /// Not yet run; due now or later.
    Waiting,
    /// A worker holds it.
    Running,
    /// It has failed and will be tried again.
    Retrying,
    /// It has failed for good and waits for an operator.
    Dead,
    /// It failed for good, and a newer one has taken its place.
    Superseded,
}

/// Which jobs to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// Only jobs in this state.
    #[param(inline)]
    state: Option<JobStateName>,
    /// Only jobs of this name.
    #[param(
        max_length = 128,
        pattern = "^[a-z_.]+$",
        example = "audit.nightly_audit"
    )]
    job: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// A job in the queue.
#[derive(Serialize, ToSchema)]
pub struct QueuedJob {
    /// Identifier in the queue, for this service to read.
    #[schema(
        max_length = 100,
        pattern = "^[A-Za-z0-9_-]+$",
        example = "Zm9yIHRoaXMgc2VydmljZQ"
    )]
    pub id: String,
    /// Name of the job.
    #[schema(max_length = 128, example = "audit.nightly_audit")]
    pub job: String,
    /// Where it stands.
    pub state: JobStateName,
    /// The named queue, if its jobs run one after the other.
    #[schema(required = true, max_length = 128)]
    pub queue: Option<String>,
    /// What it is to be done with: identifiers, no personal data.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// Runs so far, the current one included.
    #[schema(minimum = 0)]
    pub attempts: i16,
    /// Runs after which it is a dead letter.
    #[schema(minimum = 1)]
    pub max_attempts: i16,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// The error of the last run that failed.
    #[schema(required = true, max_length = 10000, pattern = r"^[^\u0000]*$")]
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// Since when a worker holds it.
    #[schema(required = true)]
    pub running_since: Option<DateTime<Utc>>,
}

/// How many jobs of one name are in one state.
#[derive(Serialize, ToSchema)]
pub struct QueueCount {
    /// Name of the job.
    #[schema(max_length = 128, example = "audit.nightly_audit")]
    pub job: String,
    /// The state.
    pub state: JobStateName,
    /// How many.
    #[schema(minimum = 1)]
    pub count: i64,
}

/// A job by the clock.
#[derive(Serialize, ToSchema)]
pub struct ScheduledJob {
    /// Name of the schedule.
    #[schema(max_length = 128, example = "nightly_audit")]
    pub name: String,
    /// Name of the job.
    #[schema(max_length = 128, example = "audit.nightly_audit")]
    pub job: String,
    /// Cron expression: minute, hour, day of the month, month, day of the week.
    #[schema(max_length = 128, example = "30 3 * * *")]
    pub expression: String,
    /// The zone that the expression is read in.
    #[schema(max_length = 64, example = "Europe/Moscow")]
    pub zone: String,
    /// When it was last due and enqueued.
    #[schema(required = true)]
    pub last_run: Option<DateTime<Utc>>,
    /// When it is due next.
    #[schema(required = true)]
    pub next_run: Option<DateTime<Utc>>,
}

/// The queue.
#[derive(Serialize, ToSchema)]
pub struct Queue {
    /// A page of jobs, newest first.
    #[schema(max_items = 100)]
    pub items: Vec<QueuedJob>,
    /// Where the next page begins; null on the last one.
    #[schema(required = true, max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    pub next_cursor: Option<String>,
    /// How many jobs there are, whatever the filter.
    #[schema(max_items = 1000)]
    pub counts: Vec<QueueCount>,
    /// What runs by the clock.
    #[schema(max_items = 100)]
    pub schedules: Vec<ScheduledJob>,
}

impl From<JobStateName> for JobState {
    fn from(name: JobStateName) -> Self {
        match name {
            JobStateName::Waiting => Self::Waiting,
            JobStateName::Running => Self::Running,
            JobStateName::Retrying => Self::Retrying,
            JobStateName::Dead => Self::Dead,
            JobStateName::Superseded => Self::Superseded,
        }
    }
}

impl From<JobState> for JobStateName {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Waiting => Self::Waiting,
            JobState::Running => Self::Running,
            JobState::Retrying => Self::Retrying,
            JobState::Dead => Self::Dead,
            JobState::Superseded => Self::Superseded,
        }
    }
}

/// The queue numbers its jobs; outside, a number would tell how many there are. So it is sealed.
const JOB: &str = "job";

/// The job that an identifier of ours names.
pub(super) fn job_of(kit: &HttpKit, id: &str) -> Option<i64> {
    kit.cursors().open(JOB, &(), id).ok()
}

impl QueuedJob {
    fn of(row: JobRow, kit: &HttpKit) -> Self {
        Self {
            id: kit.cursors().seal(JOB, &(), &row.id),
            job: row.job,
            state: row.state.into(),
            queue: row.queue,
            payload: row.payload,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            due_at: row.run_at,
            last_error: row.last_error,
            created_at: row.created_at,
            running_since: row.locked_at,
        }
    }
}

impl From<JobCount> for QueueCount {
    fn from(count: JobCount) -> Self {
        Self {
            job: count.job,
            state: count.state.into(),
            count: count.count,
        }
    }
}

impl From<ScheduleRow> for ScheduledJob {
    fn from(row: ScheduleRow) -> Self {
        Self {
            name: row.name.to_owned(),
            job: row.job.to_owned(),
            expression: row.expression.to_owned(),
            zone: row.zone.name().to_owned(),
            last_run: row.last_run,
            next_run: row.next_run,
        }
    }
}

/// The job queue
///
/// For an admin: the jobs that wait, run or failed, newest first; how many of each there are; what runs by the clock.
/// `state=dead` shows the dead letters.
#[utoipa::path(
    get, path = "/admin/jobs", operation_id = "admin_list_jobs", tag = "admin",
    params(JobQuery),
    responses((status = 200, description = "The queue", body = Queue)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn jobs(
    State(kit): State<HttpKit>,
    By(operator): By<OperatorCaller>,
    ApiQuery(query): ApiQuery<JobQuery>,
) -> ApiResult<Json<Queue>> {
    const LIST: &str = "jobs";
    let filters = (&query.state, &query.job);
    let before: Option<i64> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(LIST, &filters, cursor)?),
        None => None,
    };
    let filter = JobFilter {
        state: query.state.map(Into::into),
        job: query.job.clone(),
        before,
    };
    let limit = u16::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    // One more than asked for tells whether there is a next page.
    let mut found = list_jobs(kit.services(), &operator, &filter, limit + 1).await?;
    let more = found.jobs.len() > usize::from(limit);
    found.jobs.truncate(usize::from(limit));
    let last = found.jobs.last().map(|job| job.id).filter(|_| more);
    Ok(Json(Queue {
        next_cursor: last.map(|last| kit.cursors().seal(LIST, &filters, &last)),
        items: found
            .jobs
            .into_iter()
            .map(|row| QueuedJob::of(row, &kit))
            .collect(),
        counts: found.counts.into_iter().map(Into::into).collect(),
        schedules: found.schedules.into_iter().map(Into::into).collect(),
    }))
}
