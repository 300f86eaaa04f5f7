//! PUT /users/me/consents: gives and withdraws consents.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::consents::{ConsentChannel, ConsentKind};
use http_kit::request_id::ClientAddress;
use http_kit::{ApiJson, By};
use serde::{Deserialize, Serialize};
use services::caller::MemberCaller;
use services::context::Context;
use services::members::{ConsentChoice, ConsentSource, ConsentState, set_consents};
use utoipa::ToSchema;

use crate::problem::ApiResult;
use crate::wire;

/// What I say of one text.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentChoiceIn {
    /// What it is about.
    #[schema(value_type = wire::ConsentKind)]
    kind: ConsentKind,
    /// The version of the text that I was shown; for a withdrawal any.
    #[schema(minimum = 1, maximum = 1_000_000, example = 1)]
    version: i32,
    /// Agreed (true) or withdrawn.
    given: bool,
}

/// Where I said it.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPlace {
    /// In an app.
    App,
    /// On a page.
    Web,
}

/// What I agree to or withdraw.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentChoices {
    /// Where I said it.
    channel: ConsentPlace,
    /// One word for each kind; the others stay as they are.
    #[schema(min_items = 1, max_items = 20)]
    consents: Vec<ConsentChoiceIn>,
}

/// How I stand to one text.
#[derive(Serialize, ToSchema)]
pub struct ConsentNow {
    /// What it is about.
    #[schema(value_type = wire::ConsentKind)]
    pub kind: ConsentKind,
    /// The version in force.
    #[schema(minimum = 1, maximum = 1_000_000, example = 1)]
    pub version: i32,
    /// Whether nobody takes part without it.
    pub required: bool,
    /// Whether I agree to the version in force.
    pub given: bool,
    /// When I last said something of it.
    #[schema(required = true)]
    pub recorded_at: Option<DateTime<Utc>>,
}

/// How I stand to each text.
#[derive(Serialize, ToSchema)]
pub struct ConsentsNow {
    /// One of each kind.
    #[schema(max_items = 100)]
    pub items: Vec<ConsentNow>,
}

impl From<Vec<ConsentState>> for ConsentsNow {
    fn from(states: Vec<ConsentState>) -> Self {
        let items = states.into_iter().map(|state| ConsentNow {
            kind: state.kind,
            version: state.version,
            required: state.kind.is_required(),
            given: state.given,
            recorded_at: state.recorded_at,
        });
        Self {
            items: items.collect(),
        }
    }
}

/// Give or withdraw consents
///
/// Each kind apart, each with the version of the text that was shown. Withdrawing is as easy as giving. Without the required
/// ones nothing more is recorded of me and no card is shown; export and erasure stay open.
#[utoipa::path(
    put, path = "/users/me/consents", operation_id = "users_set_my_consents", tag = "users",
    request_body = ConsentChoices,
    responses((status = 200, description = "How I stand now", body = ConsentsNow)),
    extensions(("x-problems" = json!(["consent_text_changed"]))),
)]
pub async fn set(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
    ClientAddress(address): ClientAddress,
    ApiJson(request): ApiJson<ConsentChoices>,
) -> ApiResult<Json<ConsentsNow>> {
    let channel = match request.channel {
        ConsentPlace::App => ConsentChannel::App,
        ConsentPlace::Web => ConsentChannel::Web,
    };
    let choices = request.consents.iter().map(|choice| ConsentChoice {
        kind: choice.kind,
        version: choice.version,
        given: choice.given,
    });
    let source = ConsentSource { channel, address };
    let states = set_consents(&ctx, &member, choices.collect(), source).await?;
    Ok(Json(states.into()))
}
