//! A hold in JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use services::idempotency::Answer;
use services::loyalty::holds::HeldPoints;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::Hundredths;

/// Points set aside for a checkout.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Hold {
    /// Identifier.
    pub id: Uuid,
    /// The caller's name for it.
    #[schema(max_length = 100)]
    pub reference: String,
    /// What has become of it.
    pub status: HoldState,
    /// The points set aside.
    #[schema(value_type = Hundredths)]
    pub points: i64,
    /// The points taken in the end.
    #[schema(value_type = Hundredths)]
    pub captured: i64,
    /// When it lapses by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Points available to the member beside it.
    #[schema(value_type = Hundredths)]
    pub available_after: i64,
    /// Points set aside in all.
    #[schema(value_type = Hundredths)]
    pub held_after: i64,
}

/// What has become of a hold.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// The points are set aside.
    Active,
    /// They, or a part of them, were taken.
    Captured,
    /// They were given back on request.
    Voided,
    /// Their time was over and they went back.
    Lapsed,
}

impl From<&HeldPoints> for Hold {
    fn from(held: &HeldPoints) -> Self {
        use domain::loyalty::wallet::HoldStatus;
        let hold = &held.hold;
        Self {
            id: hold.id.into(),
            reference: hold.reference.clone(),
            status: match hold.status {
                HoldStatus::Active => HoldState::Active,
                HoldStatus::Captured => HoldState::Captured,
                HoldStatus::Voided => HoldState::Voided,
                HoldStatus::Lapsed => HoldState::Lapsed,
            },
            points: hold.amount.hundredths(),
            captured: hold.captured.hundredths(),
            expires_at: hold.expires_at,
            created_at: hold.created_at,
            available_after: held.balance.available.hundredths(),
            held_after: held.balance.held.hundredths(),
        }
    }
}

/// The answer to a hold just made.
pub(super) fn made(held: &HeldPoints) -> Answer {
    answer(201, held)
}

/// The answer to a hold that has ended.
pub(super) fn ended(held: &HeldPoints) -> Answer {
    answer(200, held)
}

fn answer(status: u16, held: &HeldPoints) -> Answer {
    Answer {
        status,
        location: None,
        body: serde_json::to_vec(&Hold::from(held)).expect("a hold is plain JSON"),
    }
}
