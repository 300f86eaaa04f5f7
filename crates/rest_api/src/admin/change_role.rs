//! POST /admin/roles: gives or takes an operator role.

use axum::Json;
use axum::extract::State;
use domain::ids::MemberId;
use domain::rights::OperatorRole;
use http_kit::{ApiJson, Fresh};
use serde::{Deserialize, Serialize};
use services::caller::OperatorCaller;
use services::context::Context;
use services::members::office::{ChangeRole, change_role};
use utoipa::ToSchema;

use crate::problem::ApiResult;
use crate::wire;

/// A role to be given or taken.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleIn {
    /// The member.
    #[schema(value_type = Uuid)]
    member_id: MemberId,
    /// The role.
    #[schema(value_type = wire::OperatorRole)]
    role: OperatorRole,
    /// What is done with it.
    action: RoleAction,
}

/// What is done with a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleAction {
    /// The member has it from now on.
    Give,
    /// The member has it no longer.
    Take,
}

/// The operator roles of a member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OperatorRoles {
    /// The member.
    #[schema(value_type = Uuid)]
    pub member_id: MemberId,
    /// The roles.
    #[schema(value_type = Vec<wire::OperatorRole>, max_items = 3)]
    pub roles: Vec<OperatorRole>,
}

/// Give or take an operator role
///
/// For an admin who signed in at most five minutes ago. Nobody changes the own roles, and one admin always stays. It holds at once
/// here and within five seconds on other servers; giving or taking again changes nothing.
#[utoipa::path(
    post, path = "/admin/roles", operation_id = "admin_change_role", tag = "admin",
    request_body = RoleIn,
    responses((status = 200, description = "The roles that the member has now", body = OperatorRoles)),
    extensions(("x-problems" = json!(["step_up_required", "unknown_member", "own_account", "last_admin"]))),
)]
pub async fn change(
    State(ctx): State<Context>,
    Fresh(operator): Fresh<OperatorCaller>,
    ApiJson(asked): ApiJson<RoleIn>,
) -> ApiResult<Json<OperatorRoles>> {
    let change = ChangeRole {
        member: asked.member_id,
        role: asked.role,
        give: asked.action == RoleAction::Give,
    };
    Ok(Json(OperatorRoles {
        member_id: asked.member_id,
        roles: change_role(&ctx, &operator, change).await?,
    }))
}
