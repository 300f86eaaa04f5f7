//! GET /admin/code-stops: where codes were asked for and did not come back.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use http_kit::By;
use serde::Serialize;
use services::auth::code_stops::{CodeStop, list};
use services::caller::OperatorCaller;
use services::context::Context;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::ApiResult;

/// A prefix or a country.
#[derive(Serialize, ToSchema)]
pub struct Stop {
    /// Identifier.
    pub id: Uuid,
    /// `prefix` or `region`.
    #[schema(max_length = 10, pattern = "^(prefix|region)$", example = "prefix")]
    pub kind: String,
    /// The prefix without its last four digits, or the two letters of the country.
    #[schema(max_length = 20, example = "+7916123••••")]
    pub label: String,
    /// How many codes were sent in the hours before.
    #[schema(minimum = 0)]
    pub sent: i64,
    /// How many of them came back.
    #[schema(minimum = 0)]
    pub verified: i64,
    /// Whether no code goes there now. Without, it is only told: a cap was reached, or it is the programme's own country.
    pub holds: bool,
    /// Since when.
    pub stopped_at: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// When an operator lifted it.
    #[schema(required = true)]
    pub lifted_at: Option<DateTime<Utc>>,
}

/// The stops.
#[derive(Serialize, ToSchema)]
pub struct Stops {
    /// The newest ones, newest first.
    #[schema(max_items = 200)]
    pub items: Vec<Stop>,
}

impl From<CodeStop> for Stop {
    fn from(stop: CodeStop) -> Self {
        Self {
            id: stop.id,
            kind: stop.kind,
            label: stop.label,
            sent: stop.sent,
            verified: stop.verified,
            holds: stop.holds,
            stopped_at: stop.stopped_at,
            until: stop.until,
            lifted_at: stop.lifted_at,
        }
    }
}

/// Where codes do not come back
///
/// For support. Prefixes and countries whose codes were asked for more often than they may be, or of which fewer than a fifth
/// came back: somebody may be earning from the messages.
#[utoipa::path(
    get, path = "/admin/code-stops", operation_id = "admin_list_code_stops", tag = "admin",
    responses((status = 200, description = "The stops", body = Stops)),
)]
pub async fn stops(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
) -> ApiResult<Json<Stops>> {
    let stops = list(&ctx, &operator).await?;
    Ok(Json(Stops {
        items: stops.into_iter().map(Into::into).collect(),
    }))
}
