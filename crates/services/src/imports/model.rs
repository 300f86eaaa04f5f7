//! An import as callers see it.

use chrono::{DateTime, Utc};
use domain::ids::BusinessId;
use domain::money::{Money, Points};
use store::error::StoreError;
use store::imports::ImportRow;
use uuid::Uuid;

use super::format::ImportFormat;

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// The file is still coming.
    Receiving,
    /// The file is whole and waits.
    Queued,
    /// It is worked on.
    Running,
    /// Every row is posted or has its verdict.
    Done,
    /// It was given up; what was posted stays posted.
    Failed,
}

impl ImportState {
    /// All states.
    pub const ALL: &'static [Self] = &[
        Self::Receiving,
        Self::Queued,
        Self::Running,
        Self::Done,
        Self::Failed,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Identifier.
    pub id: Uuid,
    /// Whose purchases they are.
    pub business: BusinessId,
    /// The form of the file.
    pub format: ImportFormat,
    /// Whether nothing is posted.
    pub dry_run: bool,
    /// The file's name.
    pub file_name: Option<String>,
    /// How far it is.
    pub state: ImportState,
    /// Why it failed: a name for programs, and a sentence.
    pub failure: Option<(String, String)>,
    /// SHA-256 of the file, as soon as it is whole.
    pub sha256: Option<Vec<u8>>,
    /// The file's length in bytes; 0 while it comes.
    pub bytes_total: i64,
    /// How many bytes are done.
    pub bytes_done: i64,
    /// How many rows are done.
    pub rows: i64,
    /// How many of them were posted; in a dry run, would have been.
    pub posted: i64,
    /// How many had been posted before.
    pub duplicates: i64,
    /// How many were refused.
    pub refused: i64,
    /// The sum of what was posted.
    pub money: Money,
    /// The points that it earned.
    pub points: Points,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When the work began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<ImportRow> for Import {
    type Error = StoreError;

    fn try_from(row: ImportRow) -> Result<Self, StoreError> {
        let format = row.format.parse().map_err(decode)?;
        let state = ImportState::ALL
            .iter()
            .copied()
            .find(|state| state.as_str() == row.state)
            .ok_or_else(|| decode(format!("unknown state {}", row.state)))?;
        Ok(Self {
            id: row.id,
            business: row.business_id.into(),
            format,
            dry_run: row.dry_run,
            file_name: row.file_name,
            state,
            failure: row.failure_code.zip(row.failure_detail),
            sha256: row.sha256,
            bytes_total: row.bytes_total,
            bytes_done: row.bytes_done,
            rows: row.rows_done,
            posted: row.rows_posted,
            duplicates: row.rows_duplicate,
            refused: row.rows_refused,
            money: Money::from_hundredths(row.money_posted),
            points: Points::from_hundredths(row.points_earned),
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}

/// What is stored and can't be read.
pub(super) fn decode(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError(sqlx::Error::Decode(error.into()))
}
