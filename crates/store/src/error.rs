//! The one error of this crate: what PostgreSQL or the way to it said.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// A query failed.
#[derive(Debug, thiserror::Error)]
#[error("database: {0}")]
pub struct StoreError(#[from] pub sqlx::Error);

/// Another transaction was faster with something that this one had decided upon; the next try sees it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("another transaction was faster")]
struct Overtaken;

impl StoreError {
    /// Another transaction was faster: begin again. See [`is_retryable`].
    #[must_use]
    pub fn overtaken() -> Self {
        Self(sqlx::Error::Encode(Box::new(Overtaken)))
    }

    /// The name of the constraint that refused the change, if one did.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        self.0.as_database_error()?.constraint()
    }

    /// See [`is_retryable`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        is_retryable(&self.0)
    }

    /// Whether the database could not be reached or had no connection to spare, or gave up waiting for a lock
    /// (55P03) or was told to stop (57P01..57P03): nothing is wrong with the request, and it may be sent again.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self.0,
            sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        ) || matches!(
            self.code(),
            Some("55P03" | "57014" | "57P01" | "57P02" | "57P03" | "53300" | "08006" | "08003")
        )
    }

    /// Whether the connection broke or the server ended it: it is of no more use, and a commit under way may have
    /// happened or not.
    #[must_use]
    pub fn is_connection_lost(&self) -> bool {
        let fatal = |error: &PgDatabaseError| {
            matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)
        };
        match &self.0 {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::BeginFailed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(error) => error
                .try_downcast_ref::<PgDatabaseError>()
                .is_some_and(fatal),
            _ => false,
        }
    }

    /// The five-character SQLSTATE, if the server sent one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        code(&self.0)
    }
}

/// Whether the transaction lost against another and would come to an end when run again from its start:
/// a serialization failure (40001), a deadlock (40P01), or a receipt, key, code, reference or phone that another
/// transaction took at the same moment and that the next try will see.
#[must_use]
pub fn is_retryable(error: &sqlx::Error) -> bool {
    let constraint = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::constraint);
    matches!(error, sqlx::Error::Encode(cause) if cause.is::<Overtaken>())
        || matches!(code(error), Some("40001" | "40P01"))
        || matches!(
            constraint,
            Some(
                crate::receipts::SEEN_BEFORE
                    | crate::kept_answers::USED_BEFORE
                    | crate::used_member_codes::USED_BEFORE
                    | crate::holds::REFERENCE_USED
            )
        )
}

fn code(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error()?;
    error
        .try_downcast_ref::<PgDatabaseError>()
        .map(PgDatabaseError::code)
}
