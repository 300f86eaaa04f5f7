//! POST /loyalty/transfers: a member gives points to another.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::member_code::MemberNumber;
use domain::money::Points;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::{By, IdempotentJson, Problem};
use serde::{Deserialize, Serialize};
use services::caller::Caller;
use services::context::Context;
use services::idempotency::Answer;
use services::loyalty::transfer::{TransferOrder, Transferred, transfer};
use services::members::MemberReference;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::ApiResult;
use crate::wire::{self, Hundredths, field};

/// Points to be given to another member.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferIn {
    /// Who gets them.
    to: RecipientIn,
    /// How many, in hundredths of a point.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 10_000)]
    points: i64,
}

/// A member who gets points: exactly one of the two.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "phone": "+79161234567" }))]
pub struct RecipientIn {
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
}

/// Points that were given.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Transfer {
    /// Identifier; both members find it in their history.
    pub id: Uuid,
    /// How many points.
    #[schema(value_type = Hundredths)]
    pub points: i64,
    /// What the giver has left to spend.
    #[schema(value_type = Hundredths)]
    pub available_after: i64,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl RecipientIn {
    fn reference(&self, ctx: &Context) -> Result<MemberReference, Problem> {
        match (&self.phone, &self.card_number) {
            (Some(phone), None) => wire::phone(ctx, phone, "/to/phone").map(MemberReference::Phone),
            (None, Some(number)) => MemberNumber::parse(number)
                .map(MemberReference::Number)
                .map_err(|error| field("/to/card_number", "bad_format", error.to_string())),
            _ => {
                let detail = "exactly one of phone and card_number".to_owned();
                Err(field("/to", "one_of", detail))
            }
        }
    }
}

fn given(done: &Transferred) -> Answer {
    let transfer = Transfer {
        id: done.id.as_uuid(),
        points: done.points.hundredths(),
        available_after: done.available_after.hundredths(),
        created_at: done.at,
    };
    Answer {
        status: 201,
        location: None,
        body: serde_json::to_vec(&transfer).expect("a transfer is plain JSON"),
    }
}

/// Give points to another member
///
/// The other one takes part and is named by phone or card number. The points keep their age, their expiry and whoever pays for
/// them; each side's debt is paid first. The programme has a least amount and a most for a day; above a small amount the giver
/// must have signed in within the last five minutes.
#[utoipa::path(
    post, path = "/loyalty/transfers", operation_id = "loyalty_transfer_points", tag = "loyalty",
    params(IdempotencyKeyHeader),
    request_body = TransferIn,
    responses((status = 201, description = "Given", body = Transfer)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "step_up_required", "unknown_member", "member_blocked", "transfer_not_allowed", "amount_out_of_range", "transfer_limit_reached", "not_enough_points", "overflow"]))),
)]
pub async fn give(
    State(ctx): State<Context>,
    By(caller): By<Caller>,
    body: IdempotentJson<TransferIn>,
) -> ApiResult<Response> {
    let proved = caller.require_fresh(ctx.clock().now()).is_ok();
    let member = caller.into_member()?;
    let (asked, key) = body.named(member.member.as_uuid(), "transfers.give");
    let order = TransferOrder {
        to: asked.to.reference(&ctx)?,
        points: Points::from_hundredths(asked.points),
        proved,
    };
    let answered = transfer(&ctx, &member, order, key, given).await?;
    Ok(replayable(answered))
}
