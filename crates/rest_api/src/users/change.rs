//! PATCH /users/me: changes the caller's profile.

use axum::extract::State;
use chrono::NaiveDate;
use domain::email::Email;
use domain::people::Locale;
use domain::text::Text;
use http_kit::etag::{IfMatch, IfMatchHeader};
use http_kit::{ApiJson, By, Problem};
use serde::Deserialize;
use services::caller::MemberCaller;
use services::context::Context;
use services::members::{ChangeProfile, change_profile};
use utoipa::ToSchema;

use super::model::Profile;
use crate::problem::ApiResult;
use crate::wire;

/// What is to be changed. A field left out stays as it is; null empties it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChange {
    /// The name.
    #[serde(default, deserialize_with = "wire::present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Анна")]
    name: Option<Option<Text<100>>>,
    /// The birthday.
    #[serde(default, deserialize_with = "wire::present")]
    #[schema(value_type = Option<NaiveDate>, example = "1990-05-17")]
    birthday: Option<Option<NaiveDate>>,
    /// The e-mail address; it is not verified.
    #[serde(default, deserialize_with = "wire::present")]
    #[schema(value_type = Option<String>, min_length = 3, max_length = 254, pattern = "^[!-~]+@[!-~]+$", example = "anna@example.org")]
    email: Option<Option<String>>,
    /// The language.
    #[serde(default)]
    #[schema(value_type = Option<wire::Locale>)]
    locale: Option<Locale>,
}

/// Change my profile
///
/// With `If-Match` the change is refused when the profile was changed since it was read.
#[utoipa::path(
    patch, path = "/users/me", operation_id = "users_change_me", tag = "users",
    params(IfMatchHeader),
    request_body = ProfileChange,
    responses((status = 200, description = "The profile as it is now", body = Profile)),
    extensions(("x-problems" = json!(["precondition_failed", "consent_required"]))),
)]
pub async fn change_me(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
    if_match: Option<IfMatch>,
    ApiJson(change): ApiJson<ProfileChange>,
) -> ApiResult<Profile> {
    let input = ChangeProfile {
        version: if_match.map_or(Ok(None), |seen| seen.expected())?,
        name: change.name,
        birthday: change.birthday,
        email: change
            .email
            .map(|email| email.map(read).transpose())
            .transpose()?,
        locale: change.locale,
    };
    Ok(change_profile(&ctx, &member, input).await?.into())
}

fn read(email: String) -> Result<Email, Problem> {
    Email::parse(&email).map_err(|error| wire::field("/email", "bad_format", error.to_string()))
}
