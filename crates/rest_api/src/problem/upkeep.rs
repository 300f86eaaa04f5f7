//! The refusals of the audit, of its log and of the job queue, and their places in the catalogue.

use http_kit::problem::{Problem, ProblemCode};
use services::audit::{AuditError, CheckLedgerError};
use services::audit_log::ReadLogError;
use services::jobs::{ListJobsError, RetryJobError};

use super::ApiError;

impl From<AuditError> for ApiError {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Running => Problem::new(ProblemCode::Conflict)
                .detail("an audit is running")
                .detail_ru("проверка уже идёт")
                .into(),
            AuditError::Store(error) => error.into(),
        }
    }
}

impl From<CheckLedgerError> for ApiError {
    fn from(error: CheckLedgerError) -> Self {
        match error {
            CheckLedgerError::Access(error) => error.into(),
            CheckLedgerError::Audit(error) => error.into(),
            CheckLedgerError::Store(error) => error.into(),
        }
    }
}

impl From<ReadLogError> for ApiError {
    fn from(error: ReadLogError) -> Self {
        match error {
            ReadLogError::Access(error) => error.into(),
            ReadLogError::Store(error) => error.into(),
        }
    }
}

impl From<ListJobsError> for ApiError {
    fn from(error: ListJobsError) -> Self {
        match error {
            ListJobsError::Access(error) => error.into(),
            ListJobsError::Store(error) => error.into(),
        }
    }
}

impl From<RetryJobError> for ApiError {
    fn from(error: RetryJobError) -> Self {
        match error {
            RetryJobError::Access(error) => error.into(),
            RetryJobError::Unknown => ProblemCode::NotFound.into(),
            RetryJobError::NotDead => Problem::new(ProblemCode::Conflict)
                .detail("the job is not a dead letter")
                .detail_ru("задание не в числе отказавших")
                .into(),
            RetryJobError::Store(error) => error.into(),
        }
    }
}
