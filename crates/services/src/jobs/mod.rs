//! The queue as an operator sees it: jobs, counts, schedules, and the way back for a dead letter. The jobs themselves
//! live with their services.

mod list_jobs;
mod retry_job;
mod timetable;

pub use ::jobs::admin::{JobCount, JobRow, State as JobState};
pub use ::jobs::schedule::ScheduleRow;
pub use list_jobs::{JobFilter, Jobs, ListJobsError, list_jobs};
pub use retry_job::{RetryJobError, retry_job};
pub use timetable::Timetable;
