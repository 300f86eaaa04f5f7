//! POST /loyalty/members/lookup: a till finds a member.

use axum::Json;
use axum::extract::State;
use domain::ids::{BusinessId, MemberId};
use domain::money::Points;
use domain::people::MemberStatus;
use http_kit::{ApiJson, By, Problem};
use serde::{Deserialize, Serialize};
use services::caller::TillCaller;
use services::context::Context;
use services::loyalty::lookup::{MemberAtTill, lookup};
use services::members::{self, LookupMember};
use utoipa::ToSchema;

use super::tier_model::Tier;
use crate::problem::ApiResult;
use crate::transactions::request::MemberIn;
use crate::wire;

/// Whom the till asks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberLookup {
    /// The business that asks; needed only from a person who works at several.
    #[schema(value_type = Option<Uuid>)]
    business_id: Option<BusinessId>,
    /// The member.
    member: MemberIn,
}

/// A member as a till sees him.
#[derive(Serialize, ToSchema)]
pub struct FoundMember {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub member_id: MemberId,
    /// How the member stands to the programme.
    #[schema(value_type = wire::MemberStatus)]
    pub status: MemberStatus,
    /// The first name, if the member gave one.
    #[schema(required = true, max_length = 100, example = "Анна")]
    pub first_name: Option<String>,
    /// The phone, its middle hidden.
    #[schema(required = true, max_length = 40, example = "+7916•••4567")]
    pub phone_masked: Option<String>,
    /// The tier.
    pub tier: Tier,
    /// Points that can be spent, in hundredths.
    #[schema(value_type = i64, minimum = 0, example = 12_550)]
    pub available: Points,
    /// How sure it is that the member stands at the till.
    pub proof: Proof,
}

/// How sure it is that the member stands at the till.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Anybody could know it: good for earning.
    Weak,
    /// The rotating code of this moment: good for spending.
    Strong,
}

impl From<MemberAtTill> for FoundMember {
    fn from(found: MemberAtTill) -> Self {
        Self {
            member_id: found.member.member,
            status: found.member.status,
            first_name: found.member.first_name,
            phone_masked: found.member.phone_masked,
            tier: Tier::from(&found.tier),
            available: found.available,
            proof: match found.member.proof {
                members::Proof::Weak => Proof::Weak,
                members::Proof::Code { .. } => Proof::Strong,
            },
        }
    }
}

/// Find a member
///
/// By phone, card number, rotating code or the business's own customer number. The till learns the first name, the tier and the
/// points that can be spent; the phone stays hidden. A code that was looked up is not used up by that.
#[utoipa::path(
    post, path = "/loyalty/members/lookup", operation_id = "loyalty_lookup_member", tag = "loyalty",
    request_body = MemberLookup,
    responses((status = 200, description = "The member", body = FoundMember)),
    extensions(("x-problems" = json!(["not_found", "unknown_member", "invalid_member_code"]))),
)]
pub async fn find(
    State(ctx): State<Context>,
    By(till): By<TillCaller>,
    ApiJson(request): ApiJson<MemberLookup>,
) -> ApiResult<Json<FoundMember>> {
    let member = request.member.reference(&ctx, "/member");
    let input = LookupMember {
        business: request.business_id,
        reference: member.map_err(Problem::invalid_fields)?,
    };
    Ok(Json(lookup(&ctx, &till, input).await?.into()))
}
