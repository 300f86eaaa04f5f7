//! A case in JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use services::fraud::CaseRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire;

/// Something at a till that an operator should look at.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FraudCase {
    /// Identifier.
    pub id: Uuid,
    /// What happened too often.
    #[schema(value_type = wire::Suspicion)]
    pub kind: String,
    /// Where.
    pub business_id: Uuid,
    /// The outlet, if the limit is its own.
    #[schema(required = true)]
    pub location_id: Option<Uuid>,
    /// The person at the till, or its key.
    pub poster_id: Uuid,
    /// The member, if the limit is the member's.
    #[schema(required = true)]
    pub member_id: Option<Uuid>,
    /// How often, since the case was opened.
    #[schema(minimum = 1, maximum = 2_147_483_647, example = 3)]
    pub occurrences: i32,
    /// When it happened first.
    pub opened_at: DateTime<Utc>,
    /// When it happened last.
    pub last_at: DateTime<Utc>,
    /// The operator who closed it; null: it is open.
    #[schema(required = true)]
    pub closed_by: Option<Uuid>,
    /// When.
    #[schema(required = true)]
    pub closed_at: Option<DateTime<Utc>>,
    /// What was found.
    #[schema(
        required = true,
        max_length = 500,
        example = "A busy day, all receipts are there"
    )]
    pub note: Option<String>,
}

impl From<CaseRow> for FraudCase {
    fn from(row: CaseRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            business_id: row.business_id,
            location_id: row.location_id,
            poster_id: row.poster_id,
            member_id: row.member_id,
            occurrences: row.occurrences,
            opened_at: row.opened_at,
            last_at: row.last_at,
            closed_by: row.closed_by,
            closed_at: row.closed_at,
            note: row.note,
        }
    }
}
