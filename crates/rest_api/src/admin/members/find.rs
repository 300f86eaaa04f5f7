//! POST /admin/members/search: finds a member by what is known of him.

use axum::Json;
use axum::extract::State;
use domain::ids::MemberId;
use domain::member_code::MemberNumber;
use http_kit::{ApiJson, By, Problem};
use serde::{Deserialize, Serialize};
use services::caller::OperatorCaller;
use services::context::Context;
use services::members::MemberReference;
use services::members::office::find;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::MemberInList;
use crate::problem::ApiResult;
use crate::wire::{self, field};

/// What is known of a member: exactly one of the three.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "phone": "+79161234567" }))]
pub struct MemberSearch {
    /// The phone.
    #[schema(
        min_length = 5,
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234567"
    )]
    phone: Option<String>,
    /// The number on the card: 12 digits, or 13 as scanned from its bar code.
    #[schema(
        min_length = 12,
        max_length = 13,
        pattern = "^[0-9]{12,13}$",
        example = "400000000017"
    )]
    card_number: Option<String>,
    /// The identifier.
    member_id: Option<Uuid>,
}

/// Who was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundMembers {
    /// The members; empty: nobody.
    #[schema(max_items = 100)]
    pub items: Vec<MemberInList>,
}

impl MemberSearch {
    fn reference(&self, ctx: &Context) -> Result<MemberReference, Problem> {
        match (&self.phone, &self.card_number, self.member_id) {
            (Some(phone), None, None) => {
                wire::phone(ctx, phone, "/phone").map(MemberReference::Phone)
            }
            (None, Some(number), None) => MemberNumber::parse(number)
                .map(MemberReference::Number)
                .map_err(|error| field("/card_number", "bad_format", error.to_string())),
            (None, None, Some(id)) => Ok(MemberReference::Member(MemberId::from(id))),
            _ => {
                let detail = "exactly one of phone, card_number and member_id".to_owned();
                Err(field("", "one_of", detail))
            }
        }
    }
}

/// Find a member
///
/// For support and admins: by phone, card number or identifier, exactly. The phone is masked in the answer. Names are sealed and
/// can't be searched.
#[utoipa::path(
    post, path = "/admin/members/search", operation_id = "admin_find_member", tag = "admin",
    request_body = MemberSearch,
    responses((status = 200, description = "Who was found", body = FoundMembers)),
)]
pub async fn search(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiJson(asked): ApiJson<MemberSearch>,
) -> ApiResult<Json<FoundMembers>> {
    let found = find(&ctx, &operator, asked.reference(&ctx)?).await?;
    Ok(Json(FoundMembers {
        items: found.into_iter().map(Into::into).collect(),
    }))
}
