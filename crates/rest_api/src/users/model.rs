//! A member's profile, as the member sees it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use domain::consents::ConsentKind;
use domain::people::{Locale, MemberStatus};
use http::header;
use http_kit::etag::etag;
use serde::Serialize;
use services::members;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire;

/// My profile.
#[derive(Serialize, ToSchema)]
pub struct Profile {
    /// Identifier.
    pub id: Uuid,
    /// The number on the card: twelve digits.
    #[schema(max_length = 12, pattern = "^[0-9]{12}$", example = "400000000017")]
    pub number: String,
    /// How I stand to the programme.
    #[schema(value_type = wire::MemberStatus)]
    pub status: MemberStatus,
    /// The phone, E.164.
    #[schema(
        required = true,
        max_length = 16,
        pattern = r"^\+[0-9]+$",
        example = "+79161234567"
    )]
    pub phone: Option<String>,
    /// The name.
    #[schema(required = true, max_length = 100, example = "Анна")]
    pub name: Option<String>,
    /// The birthday.
    #[schema(required = true, example = "1990-05-17")]
    pub birthday: Option<NaiveDate>,
    /// The e-mail address.
    #[schema(required = true, max_length = 254, example = "anna@example.org")]
    pub email: Option<String>,
    /// Whether a message to it was answered.
    pub email_verified: bool,
    /// Consents that are required and not given; until they are, I have no card.
    #[schema(value_type = Vec<wire::ConsentKind>, max_items = 20)]
    pub consents_missing: Vec<ConsentKind>,
    /// The language.
    #[schema(value_type = wire::Locale)]
    pub locale: Locale,
    /// When I joined.
    #[schema(required = true)]
    pub joined_at: Option<DateTime<Utc>>,
    /// The version, as it stands in the `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
}

impl From<members::Profile> for Profile {
    fn from(profile: members::Profile) -> Self {
        Self {
            id: profile.member.as_uuid(),
            number: profile.number,
            status: profile.status,
            phone: profile.phone.map(|phone| phone.e164().to_owned()),
            name: profile.name,
            birthday: profile.birthday,
            email: profile.email.map(|email| email.as_str().to_owned()),
            email_verified: profile.email_verified,
            consents_missing: profile.consents_missing,
            locale: profile.locale,
            joined_at: profile.joined_at,
            version: profile.version,
        }
    }
}

impl IntoResponse for Profile {
    fn into_response(self) -> Response {
        ([(header::ETAG, etag(self.version))], Json(self)).into_response()
    }
}
