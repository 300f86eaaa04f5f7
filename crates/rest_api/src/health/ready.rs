//! GET /health/ready: the process can serve. Not ready while the database is away or behind, and from the moment
//! when the process is told to stop. Without Redis it serves as well, if less strictly: that is said, and it is ready.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_kit::HttpKit;
use serde::Serialize;
use services::health::{DatabaseHealth, Health, database};
use utoipa::ToSchema;

/// Whether the process can serve, part by part.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// `ready`, or `not_ready` when any part is not.
    #[schema(max_length = 20, pattern = "^(not_)?ready$", example = "ready")]
    pub status: &'static str,
    /// `ready`, `unreachable`, or `schema_behind` when migrations are missing.
    #[schema(max_length = 20, pattern = "^[a-z_]+$", example = "ready")]
    pub database: &'static str,
    /// Whether limits are counted together with other processes: `in_process` when there is no Redis, `ready`, or
    /// `degraded` while Redis is away; one-time codes are not sent then, all else goes on.
    #[schema(max_length = 20, pattern = "^[a-z_]+$", example = "ready")]
    pub shared_state: &'static str,
    /// `running`, or `stopping` once the process was told to stop.
    #[schema(max_length = 20, pattern = "^[a-z]+$", example = "running")]
    pub process: &'static str,
}

/// The process can serve
///
/// Asks the database with a time limit of two seconds. A balancer sends requests only where this answers 200.
#[utoipa::path(
    get, path = "/health/ready", operation_id = "health_ready", tag = "health",
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "Not ready; the parts tell why", body = Readiness),
    ),
)]
pub async fn ready(State(kit): State<HttpKit>) -> Response {
    let health = database(kit.services()).await;
    let stopping = kit.config().readiness.is_stopping();
    let (status, word) = if health == DatabaseHealth::Ready && !stopping {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    let answer = Readiness {
        status: word,
        database: match health {
            DatabaseHealth::Ready => "ready",
            DatabaseHealth::SchemaBehind { .. } => "schema_behind",
            DatabaseHealth::Unreachable => "unreachable",
        },
        shared_state: match kit.services().shared().health() {
            Health::InProcess => "in_process",
            Health::Shared => "ready",
            Health::Degraded => "degraded",
        },
        process: if stopping { "stopping" } else { "running" },
    };
    (status, Json(answer)).into_response()
}
