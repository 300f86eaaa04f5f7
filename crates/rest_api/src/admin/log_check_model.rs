//! What a check of the audit log found.

use chrono::{DateTime, Utc};
use serde::Serialize;
use services::audit_log::{LogDifference, LogReport};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire;

/// The audit log, recomputed from its chain of hashes and compared with its anchors.
#[derive(Serialize, ToSchema)]
pub struct AuditLogCheck {
    /// Whether nothing differs.
    pub clean: bool,
    /// How many entries are sealed.
    #[schema(minimum = 0)]
    pub sealed: i64,
    /// How many entries wait for their seal.
    #[schema(minimum = 0)]
    pub waiting: i64,
    /// The greatest place that an anchor names; null without an anchor.
    #[schema(required = true, minimum = 1)]
    pub anchored_sequence: Option<i64>,
    /// When that anchor was written.
    #[schema(required = true)]
    pub anchored_at: Option<DateTime<Utc>>,
    /// How many differences there are in all.
    #[schema(minimum = 0)]
    pub differences: i64,
    /// The first of them.
    #[schema(max_items = 100)]
    pub named: Vec<AuditLogDifference>,
}

/// Something in the audit log that is not as it was written.
#[derive(Serialize, ToSchema)]
pub struct AuditLogDifference {
    /// What is wrong.
    #[schema(value_type = wire::LogCheck)]
    pub check: &'static str,
    /// Where in the chain.
    #[schema(required = true, minimum = 1)]
    pub sequence: Option<i64>,
    /// The entry.
    #[schema(required = true)]
    pub entry_id: Option<Uuid>,
    /// A sentence.
    #[schema(max_length = 1000, example = "the entry is missing")]
    pub detail: String,
}

impl From<LogReport> for AuditLogCheck {
    fn from(report: LogReport) -> Self {
        Self {
            clean: report.is_clean(),
            sealed: report.sealed,
            waiting: report.waiting,
            anchored_sequence: report.anchored.as_ref().map(|head| head.sequence),
            anchored_at: report.anchored.as_ref().map(|head| head.written_at),
            differences: report.differences,
            named: report.named.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<LogDifference> for AuditLogDifference {
    fn from(difference: LogDifference) -> Self {
        Self {
            check: difference.check.as_str(),
            sequence: difference.sequence,
            entry_id: difference.entry_id,
            detail: difference.detail,
        }
    }
}
