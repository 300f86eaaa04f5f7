//! DELETE /users/me: erases the caller.

use axum::Json;
use axum::extract::State;
use domain::money::Points;
use http::StatusCode;
use http_kit::{ApiQuery, By};
use serde::{Deserialize, Serialize};
use services::caller::MemberCaller;
use services::context::Context;
use services::personal_data::erase::erase;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::problem::ApiResult;

/// What the caller accepts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ErasureQuery {
    /// The points, in hundredths, that I accept to lose: all that I have, pending ones too. Left out: none.
    #[param(minimum = 0, maximum = 1_000_000_000_000_i64, example = 0)]
    points_lost: Option<i64>,
}

/// That I left.
#[derive(Serialize, ToSchema)]
pub struct Erasure {
    /// The erasure, to ask support about.
    pub id: Uuid,
    /// The points, in hundredths, that nobody can spend any more.
    #[schema(minimum = 0, example = 0)]
    pub points_lost: i64,
}

/// Erase me
///
/// At once all sign-ins end and phone, name, birthday, e-mail and card number are gone; a job removes the rest within minutes. What
/// was bought and earned stays in the books under an identifier that is nobody's. The phone may join again as a new
/// member. Wants a sign-in of the last five minutes, no role at a business or in the programme, and no open checkout.
#[utoipa::path(
    delete, path = "/users/me", operation_id = "users_erase_me", tag = "users",
    security(("member" = [])),
    params(ErasureQuery),
    responses((status = 202, description = "I am gone; the rest follows", body = Erasure)),
    extensions(("x-problems" = json!(["step_up_required", "roles_held", "holds_open", "points_would_be_lost"]))),
)]
pub async fn erase_me(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
    ApiQuery(query): ApiQuery<ErasureQuery>,
) -> ApiResult<(StatusCode, Json<Erasure>)> {
    let accepted = Points::from_hundredths(query.points_lost.unwrap_or(0));
    let erased = erase(&ctx, &member, accepted).await?;
    let body = Erasure {
        id: erased.erasure,
        points_lost: erased.points_lost.hundredths(),
    };
    Ok((StatusCode::ACCEPTED, Json(body)))
}
