//! POST /loyalty/members/lookup: a till finds a member.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId};
use domain::money::Points;
use domain::people::MemberStatus;
use domain::phone::PhoneTail;
use http_kit::{ApiJson, By, Problem};
use serde::{Deserialize, Serialize};
use services::caller::TillCaller;
use services::context::Context;
use services::loyalty::lookup::{MemberAtTill, lookup};
use services::members::{self, LookupMember, TailMatch, find_by_tail};
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
    member: LookupIn,
}

/// Whom the till looks for; exactly one of the fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "phone": "+79161234567" }))]
pub struct LookupIn {
    /// The phone.
    #[schema(
        min_length = 5,
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234567"
    )]
    phone: Option<String>,
    /// The last four digits of the phone of somebody who bought here before.
    #[schema(
        min_length = 4,
        max_length = 4,
        pattern = "^[0-9]{4}$",
        example = "4567"
    )]
    phone_tail: Option<String>,
    /// The number on the card: 12 digits, or 13 as scanned from its bar code.
    #[schema(
        min_length = 12,
        max_length = 13,
        pattern = "^[0-9]{12,13}$",
        example = "400000000017"
    )]
    card_number: Option<String>,
    /// The rotating code as scanned.
    #[schema(
        min_length = 10,
        max_length = 64,
        example = "SK1.012345678901.12345678"
    )]
    code: Option<String>,
    /// The business's own customer number.
    #[schema(min_length = 1, max_length = 100, example = "client-17")]
    customer_id: Option<String>,
    /// Somebody whom this business found by the end of the phone.
    #[schema(
        min_length = 10,
        max_length = 100,
        pattern = "^ocf_[A-Za-z0-9_-]+$",
        example = "ocf_AZyt9GyAcACAAAAAAAAAAQ"
    )]
    found: Option<String>,
}

impl LookupIn {
    /// The end of the phone, where nothing else is given.
    fn tail(&self) -> Result<Option<PhoneTail>, Problem> {
        let Some(tail) = &self.phone_tail else {
            return Ok(None);
        };
        let others = [
            &self.phone,
            &self.card_number,
            &self.code,
            &self.customer_id,
            &self.found,
        ];
        if others.iter().any(|other| other.is_some()) {
            let allowed = "nothing else beside phone_tail".to_owned();
            return Err(wire::field("/member", "one_of", allowed));
        }
        let tail = PhoneTail::parse(tail);
        tail.map(Some)
            .map_err(|error| wire::field("/member/phone_tail", "bad_format", error.to_string()))
    }

    fn into_member(self) -> MemberIn {
        MemberIn {
            phone: self.phone,
            card_number: self.card_number,
            code: self.code,
            customer_id: self.customer_id,
            found: self.found,
        }
    }
}

/// One of the members whose phone ends like that.
#[derive(Serialize, ToSchema)]
pub struct TailCandidate {
    /// Names the member at this business for a quarter of an hour: to earn, never to spend.
    #[schema(
        max_length = 100,
        pattern = "^ocf_[A-Za-z0-9_-]+$",
        example = "ocf_AZyt9GyAcACAAAAAAAAAAQ"
    )]
    pub found: String,
    /// How the member stands to the programme.
    #[schema(value_type = wire::MemberStatus)]
    pub status: MemberStatus,
    /// The first name, if the member gave one.
    #[schema(required = true, max_length = 100, example = "Анна")]
    pub first_name: Option<String>,
    /// When the member bought here last.
    pub last_visit_at: DateTime<Utc>,
}

/// The members of this business whose phone ends like that.
#[derive(Serialize, ToSchema)]
pub struct TailCandidates {
    /// At most ten, the last visitors first; empty when there is nobody.
    #[schema(max_items = 10)]
    pub items: Vec<TailCandidate>,
}

/// What the till gets: the member, or those among whom it chooses.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum LookupAnswer {
    /// By phone, card, code or customer number.
    Member(Box<FoundMember>),
    /// By the end of the phone.
    Candidates(TailCandidates),
}

impl From<TailMatch> for TailCandidate {
    fn from(found: TailMatch) -> Self {
        Self {
            found: found.found,
            status: found.status,
            first_name: found.first_name,
            last_visit_at: found.last_visit_at,
        }
    }
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
                members::Proof::Weak | members::Proof::Found => Proof::Weak,
                members::Proof::Code { .. } => Proof::Strong,
            },
        }
    }
}

/// Find a member
///
/// By phone, card number, rotating code or the business's own customer number. The till learns the first name, the tier and the
/// points that can be spent; the phone stays hidden. A code that was looked up is not used up by that. By the last four digits of the
/// phone the till finds those who bought at this business before, a minute after their first purchase at the latest, and chooses;
/// thirty such searches a minute and five hundred a day are for one caller.
#[utoipa::path(
    post, path = "/loyalty/members/lookup", operation_id = "loyalty_lookup_member", tag = "loyalty",
    request_body = MemberLookup,
    responses((status = 200, description = "The member", body = LookupAnswer)),
    extensions(("x-problems" = json!(["not_found", "unknown_member", "invalid_member_code", "too_many_requests"]))),
)]
pub async fn find(
    State(ctx): State<Context>,
    By(till): By<TillCaller>,
    ApiJson(request): ApiJson<MemberLookup>,
) -> ApiResult<Json<LookupAnswer>> {
    if let Some(tail) = request.member.tail()? {
        let found = find_by_tail(&ctx, &till, request.business_id, tail).await?;
        let items = found.into_iter().map(Into::into).collect();
        return Ok(Json(LookupAnswer::Candidates(TailCandidates { items })));
    }
    let member = request.member.into_member().reference(&ctx, "/member");
    let input = LookupMember {
        business: request.business_id,
        reference: member.map_err(Problem::invalid_fields)?,
    };
    let found = lookup(&ctx, &till, input).await?;
    Ok(Json(LookupAnswer::Member(Box::new(found.into()))))
}
