//! POST /auth/recovery-codes: makes codes for coming back.

use axum::Json;
use axum::extract::State;
use http_kit::By;
use serde::Serialize;
use services::auth::factors::{RecoveryCode, make_recovery_codes};
use services::caller::Person;
use services::context::Context;
use utoipa::ToSchema;

use crate::problem::ApiResult;

/// Codes for coming back. They are shown once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each is good once, together with a code by text message.
    #[schema(schema_with = code_list)]
    pub codes: Vec<String>,
}

fn code_list() -> utoipa::openapi::schema::Array {
    let code = utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .max_length(Some(19))
        .pattern(Some("^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$"))
        .examples(["0000-1111-2222-3333"])
        .build();
    utoipa::openapi::ArrayBuilder::new()
        .items(code)
        .max_items(Some(10))
        .build()
}

/// Make recovery codes
///
/// Ten, in place of those before. Keep them where the phone is not: with one of them and a code by text message somebody who lost every
/// other factor signs in and enrols new ones, and can do nothing else until then.
#[utoipa::path(
    post, path = "/auth/recovery-codes", operation_id = "auth_make_recovery_codes", tag = "auth",
    security(("member" = [])),
    responses((status = 200, description = "The codes", body = RecoveryCodes)),
    extensions(("x-problems" = json!(["step_up_required", "enrolment_code_required"]))),
)]
pub async fn make(
    State(ctx): State<Context>,
    By(person): By<Person>,
) -> ApiResult<Json<RecoveryCodes>> {
    let codes = make_recovery_codes(&ctx, &person).await?;
    Ok(Json(RecoveryCodes {
        codes: codes.iter().map(RecoveryCode::reveal).collect(),
    }))
}
