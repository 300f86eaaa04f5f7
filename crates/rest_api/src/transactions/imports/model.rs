//! An import in JSON. Amounts are integers in hundredths.

use chrono::{DateTime, Utc};
use serde::Serialize;
use services::imports;
use services::imports::show::VerdictRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire;

/// A file of purchases and how far it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Import {
    /// Identifier.
    pub id: Uuid,
    /// Whose purchases they are.
    pub business_id: Uuid,
    /// The form of the file.
    #[schema(value_type = wire::ImportFormat)]
    pub format: &'static str,
    /// Whether nothing is posted; the counts then tell what would have been.
    pub dry_run: bool,
    /// The file's name.
    #[schema(max_length = 200, required = true)]
    pub file_name: Option<String>,
    /// How far it is.
    #[schema(value_type = wire::ImportState)]
    pub state: &'static str,
    /// Why it failed.
    #[schema(required = true)]
    pub failure: Option<ImportFailure>,
    /// SHA-256 of the file.
    #[schema(
        max_length = 64,
        pattern = "^[0-9a-f]{64}$",
        required = true,
        example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    )]
    pub sha256: Option<String>,
    /// The file's length in bytes.
    #[schema(minimum = 0)]
    pub bytes_total: i64,
    /// How many bytes are done.
    #[schema(minimum = 0)]
    pub bytes_done: i64,
    /// How many rows are done.
    #[schema(minimum = 0)]
    pub rows: i64,
    /// How many of them were posted.
    #[schema(minimum = 0)]
    pub posted: i64,
    /// How many had been posted before, the same.
    #[schema(minimum = 0)]
    pub duplicates: i64,
    /// How many were refused.
    #[schema(minimum = 0)]
    pub refused: i64,
    /// The sum of what was posted.
    #[schema(minimum = 0)]
    pub total: i64,
    /// The points that it earned. A dry run counts each group of rows as if those before it had not been.
    #[schema(minimum = 0)]
    pub points_earned: i64,
    /// When the file began to come.
    pub created_at: DateTime<Utc>,
    /// When the work began.
    #[schema(required = true)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[schema(required = true)]
    pub finished_at: Option<DateTime<Utc>>,
}

/// Why an import failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImportFailure {
    /// For programs.
    #[schema(max_length = 40, pattern = "^[a-z_]+$", example = "abandoned")]
    pub code: String,
    /// In a sentence.
    #[schema(max_length = 500)]
    pub detail: String,
}

/// What became of a row that was not posted.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowVerdictKind {
    /// The same purchase had been posted before.
    Duplicate,
    /// It can't be posted as it is.
    Refused,
}

/// A row that was not posted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RowVerdict {
    /// Its number, from 1, the header not counted.
    #[schema(minimum = 1)]
    pub row: i64,
    /// The line of the file on which it begins, from 1.
    #[schema(minimum = 1)]
    pub line: i64,
    /// What became of it.
    pub verdict: RowVerdictKind,
    /// Why, for programs.
    #[schema(value_type = wire::RowCode)]
    pub code: String,
    /// The column, or the JSON Pointer into the object, at which the fault is.
    #[schema(max_length = 200, required = true, example = "total")]
    pub place: Option<String>,
    /// Why, in a sentence.
    #[schema(max_length = 500)]
    pub detail: String,
    /// The receipt's number, if it could be read.
    #[schema(max_length = 100, required = true)]
    pub receipt_number: Option<String>,
    /// The purchase that has the receipt.
    #[schema(required = true)]
    pub transaction_id: Option<Uuid>,
}

impl From<imports::Import> for Import {
    fn from(import: imports::Import) -> Self {
        Self {
            id: import.id,
            business_id: import.business.as_uuid(),
            format: import.format.as_str(),
            dry_run: import.dry_run,
            file_name: import.file_name,
            state: import.state.as_str(),
            failure: import
                .failure
                .map(|(code, detail)| ImportFailure { code, detail }),
            sha256: import.sha256.map(|hash| wire::hex(&hash)),
            bytes_total: import.bytes_total,
            bytes_done: import.bytes_done,
            rows: import.rows,
            posted: import.posted,
            duplicates: import.duplicates,
            refused: import.refused,
            total: import.money.hundredths(),
            points_earned: import.points.hundredths(),
            created_at: import.created_at,
            started_at: import.started_at,
            finished_at: import.finished_at,
        }
    }
}

impl From<VerdictRow> for RowVerdict {
    fn from(row: VerdictRow) -> Self {
        Self {
            row: row.row_number,
            line: row.line,
            verdict: match row.verdict.as_str() {
                "duplicate" => RowVerdictKind::Duplicate,
                _ => RowVerdictKind::Refused,
            },
            code: row.code,
            place: row.place,
            detail: row.detail,
            receipt_number: row.receipt_number,
            transaction_id: row.transaction_id,
        }
    }
}
