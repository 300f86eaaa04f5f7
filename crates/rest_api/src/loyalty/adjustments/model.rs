//! An adjustment in JSON.

use chrono::{DateTime, Utc};
use domain::text::Text;
use http_kit::Problem;
use serde::{Deserialize, Serialize};
use services::idempotency::Answer;
use services::loyalty::adjustments::{AdjustmentRow, DECLINED, WAITING};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::field;

/// Points given or taken by hand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Adjustment {
    /// Identifier.
    pub id: Uuid,
    /// Whose points.
    pub member_id: Uuid,
    /// How many were asked for, in hundredths; below zero they are taken.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = 50_000)]
    pub points: i64,
    /// The business at whose expense; null: the programme.
    #[schema(required = true)]
    pub funder_business_id: Option<Uuid>,
    /// Whether a member who has fewer than are taken owes the rest.
    pub into_debt: bool,
    /// Why.
    #[schema(max_length = 500, example = "The till was down on Saturday")]
    pub reason: String,
    /// What has become of it.
    pub status: AdjustmentState,
    /// How many were given or taken in the end; null: none yet.
    #[schema(
        required = true,
        minimum = -1_000_000_000_000_i64,
        maximum = 1_000_000_000_000_i64,
        example = 50_000
    )]
    pub applied: Option<i64>,
    /// The operator who asked for it.
    pub requested_by: Uuid,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// The second person; null: none was needed, or none has decided yet.
    #[schema(required = true)]
    pub decided_by: Option<Uuid>,
    /// When.
    #[schema(required = true)]
    pub decided_at: Option<DateTime<Utc>>,
    /// What the second person said.
    #[schema(required = true, max_length = 500, example = "Seen the receipts")]
    pub decision_note: Option<String>,
}

/// What has become of an adjustment.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentState {
    /// It is above the programme's limit: another person has to approve.
    Waiting,
    /// The points were given or taken.
    Done,
    /// Nothing will be given or taken.
    Declined,
}

impl From<&AdjustmentRow> for Adjustment {
    fn from(row: &AdjustmentRow) -> Self {
        Self {
            id: row.id,
            member_id: row.member_id,
            points: row.points,
            funder_business_id: row.funder_id,
            into_debt: row.into_debt,
            reason: row.reason.clone(),
            status: match row.status.as_str() {
                WAITING => AdjustmentState::Waiting,
                DECLINED => AdjustmentState::Declined,
                _ => AdjustmentState::Done,
            },
            applied: row.applied,
            requested_by: row.requested_by,
            requested_at: row.requested_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            decision_note: row.decision_note.clone(),
        }
    }
}

/// The second person's word.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionIn {
    /// A word to it. People's names don't belong here: it stays in the books.
    #[schema(min_length = 1, max_length = 500, example = "Seen the receipts")]
    pub note: Option<String>,
}

impl DecisionIn {
    /// The word as the use case takes it.
    ///
    /// # Errors
    /// `invalid_fields`.
    pub fn read(self) -> Result<Option<Text<500>>, Problem> {
        let note = self.note.as_deref().map(Text::new).transpose();
        note.map_err(|error| field("/note", "bad_format", error.to_string()))
    }
}

/// The answer to a request.
pub(super) fn requested(row: &AdjustmentRow) -> Answer {
    Answer {
        status: 201,
        location: Some(format!("/api/v1/loyalty/adjustments/{}", row.id)),
        body: body(row),
    }
}

/// The answer to a decision.
pub(super) fn decided(row: &AdjustmentRow) -> Answer {
    Answer {
        status: 200,
        location: None,
        body: body(row),
    }
}

fn body(row: &AdjustmentRow) -> Vec<u8> {
    serde_json::to_vec(&Adjustment::from(row)).expect("an adjustment is plain JSON")
}
