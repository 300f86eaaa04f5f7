//! Members in JSON, as operators see them.

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, LocationId, MemberId};
use domain::people::{Locale, MemberStatus};
use domain::rights::{OperatorRole, StaffRole};
use domain::text::Text;
use http_kit::Problem;
use serde::{Deserialize, Serialize};
use services::members::office::{FoundMember, MemberWhole};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::{self, Hundredths, field};

/// A member in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MemberInList {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: MemberId,
    /// The number on the card.
    #[schema(
        min_length = 12,
        max_length = 12,
        pattern = "^[0-9]{12}$",
        example = "400000000017"
    )]
    pub number: String,
    /// How the member stands to the programme.
    #[schema(value_type = wire::MemberStatus)]
    pub status: MemberStatus,
    /// The name, if the member gave one.
    #[schema(required = true, max_length = 100, example = "Анна Петрова")]
    pub name: Option<String>,
    /// The phone, its middle hidden.
    #[schema(required = true, max_length = 40, example = "+7916•••4567")]
    pub phone_masked: Option<String>,
    /// When the person joined.
    #[schema(required = true)]
    pub joined_at: Option<DateTime<Utc>>,
    /// Since when the member is known.
    pub known_since: DateTime<Utc>,
}

impl From<FoundMember> for MemberInList {
    fn from(found: FoundMember) -> Self {
        Self {
            id: found.member,
            number: found.number,
            status: found.status,
            name: found.name,
            phone_masked: found.phone_masked,
            joined_at: found.joined_at,
            known_since: found.known_since,
        }
    }
}

/// A member, whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MemberForOperator {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: MemberId,
    /// The number on the card.
    #[schema(
        min_length = 12,
        max_length = 12,
        pattern = "^[0-9]{12}$",
        example = "400000000017"
    )]
    pub number: String,
    /// How the member stands to the programme.
    #[schema(value_type = wire::MemberStatus)]
    pub status: MemberStatus,
    /// The phone, if one is known.
    #[schema(
        required = true,
        max_length = 16,
        pattern = r"^\+[0-9]{5,15}$",
        example = "+79161234567"
    )]
    pub phone: Option<String>,
    /// The name, if given.
    #[schema(required = true, max_length = 100, example = "Анна Петрова")]
    pub name: Option<String>,
    /// The birthday, if given.
    #[schema(required = true)]
    pub birthday: Option<NaiveDate>,
    /// The language.
    #[schema(value_type = wire::Locale)]
    pub locale: Locale,
    /// When the person joined.
    #[schema(required = true)]
    pub joined_at: Option<DateTime<Utc>>,
    /// Points that can be spent, in hundredths.
    #[schema(value_type = Hundredths)]
    pub available: i64,
    /// Points not yet active.
    #[schema(value_type = Hundredths)]
    pub pending: i64,
    /// Points set aside.
    #[schema(value_type = Hundredths)]
    pub held: i64,
    /// Points owed.
    #[schema(value_type = Hundredths)]
    pub debt: i64,
    /// Code of the tier.
    #[schema(max_length = 32, pattern = "^[a-z][a-z0-9_]*$", example = "insider")]
    pub tier: String,
    /// Since when.
    pub tier_since: DateTime<Utc>,
    /// The sign-ins that were not ended, newest first.
    #[schema(max_items = 100)]
    pub sessions: Vec<MemberSession>,
    /// Where the member works.
    #[schema(max_items = 1000)]
    pub staff_places: Vec<MemberPlace>,
    /// The operator roles that the member has.
    #[schema(value_type = Vec<wire::OperatorRole>, max_items = 3)]
    pub operator_roles: Vec<OperatorRole>,
    /// Why the member was blocked, newest first.
    #[schema(max_items = 100)]
    pub blocks: Vec<MemberBlock>,
    /// Where the adjustments of this member are listed.
    #[schema(
        max_length = 200,
        pattern = "^/api/v1/",
        example = "/api/v1/loyalty/adjustments?member_id=019cadf4-6c80-7000-8000-000000000001"
    )]
    pub adjustments: String,
}

/// A sign-in of a member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MemberSession {
    /// Identifier.
    pub id: Uuid,
    /// What the member called the device.
    #[schema(max_length = 200, example = "Phone")]
    pub device: String,
    /// When the sign-in was.
    pub created_at: DateTime<Utc>,
    /// When it was last renewed.
    pub last_seen_at: DateTime<Utc>,
}

/// Where a member works.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MemberPlace {
    /// The business.
    #[schema(value_type = Uuid)]
    pub business_id: BusinessId,
    /// As what.
    #[schema(value_type = wire::StaffRole)]
    pub role: StaffRole,
    /// Only at this location; null: at all.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub location_id: Option<LocationId>,
}

/// A block of a member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MemberBlock {
    /// Identifier.
    pub id: Uuid,
    /// Why.
    #[schema(max_length = 500, example = "Sells points")]
    pub reason: String,
    /// The operator.
    pub blocked_by: Uuid,
    /// When.
    pub blocked_at: DateTime<Utc>,
    /// Why it was lifted; null: it lasts.
    #[schema(required = true, max_length = 500, example = "A mistake")]
    pub lift_reason: Option<String>,
    /// The operator who lifted it.
    #[schema(required = true)]
    pub lifted_by: Option<Uuid>,
    /// When.
    #[schema(required = true)]
    pub lifted_at: Option<DateTime<Utc>>,
}

impl From<MemberWhole> for MemberForOperator {
    fn from(whole: MemberWhole) -> Self {
        let profile = whole.profile;
        Self {
            id: profile.member,
            number: profile.number,
            status: profile.status,
            phone: profile.phone.map(|phone| phone.e164().to_owned()),
            name: profile.name,
            birthday: profile.birthday,
            locale: profile.locale,
            joined_at: profile.joined_at,
            available: whole.balance.available.hundredths(),
            pending: whole.balance.pending.hundredths(),
            held: whole.balance.held.hundredths(),
            debt: whole.balance.debt.hundredths(),
            tier: whole.tier,
            tier_since: whole.tier_since,
            sessions: whole
                .sessions
                .into_iter()
                .map(|session| MemberSession {
                    id: session.id,
                    device: session.device,
                    created_at: session.created_at,
                    last_seen_at: session.last_seen_at,
                })
                .collect(),
            staff_places: whole
                .places
                .into_iter()
                .map(|place| MemberPlace {
                    business_id: place.business,
                    role: place.role,
                    location_id: place.location,
                })
                .collect(),
            operator_roles: whole.roles,
            blocks: whole
                .blocks
                .into_iter()
                .map(|block| MemberBlock {
                    id: block.id,
                    reason: block.reason,
                    blocked_by: block.blocked_by,
                    blocked_at: block.blocked_at,
                    lift_reason: block.lift_reason,
                    lifted_by: block.lifted_by,
                    lifted_at: block.lifted_at,
                })
                .collect(),
            adjustments: format!("/api/v1/loyalty/adjustments?member_id={}", profile.member),
        }
    }
}

/// Why something is done to a member.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonIn {
    /// Why.
    #[schema(min_length = 1, max_length = 500, example = "Sells points")]
    pub reason: String,
}

impl ReasonIn {
    /// The reason as the use case takes it.
    ///
    /// # Errors
    /// `invalid_fields`.
    pub fn read(&self) -> Result<Text<500>, Problem> {
        Text::new(&self.reason).map_err(|error| field("/reason", "bad_format", error.to_string()))
    }
}
