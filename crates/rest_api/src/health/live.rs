//! GET /health/live: the process runs. It asks nobody else, so that a database that is away does not restart us.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The process runs.
#[derive(Serialize, ToSchema)]
pub struct Liveness {
    /// Always `live`.
    #[schema(max_length = 10, pattern = "^live$", example = "live")]
    pub status: &'static str,
}

/// The process runs
///
/// Answers as long as the process can answer at all.
#[utoipa::path(
    get, path = "/health/live", operation_id = "health_live", tag = "health",
    responses((status = 200, description = "The process runs", body = Liveness)),
)]
pub async fn live() -> Json<Liveness> {
    Json(Liveness { status: "live" })
}
