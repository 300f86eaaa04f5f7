//! GET /loyalty/lots: what the member holds, by expiry.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, LotId};
use domain::loyalty::lot;
use domain::money::Points;
use http_kit::{ApiQuery, By, HttpKit, Page, PageLimit};
use serde::{Deserialize, Serialize};
use services::caller::MemberCaller;
use services::loyalty::balance::{LotPlace, lots};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::problem::ApiResult;

/// Which lots to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LotsQuery {
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// Points earned together, of which some are left.
#[derive(Serialize, ToSchema)]
pub struct Lot {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: LotId,
    /// What they were given for.
    pub origin: LotOrigin,
    /// The purchase or other thing that they were given for.
    #[schema(required = true)]
    pub origin_id: Option<Uuid>,
    /// The business that pays for them; null: the programme.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub funder_business_id: Option<BusinessId>,
    /// How many it was, in hundredths.
    #[schema(value_type = i64, minimum = 1, example = 2_500)]
    pub amount: Points,
    /// How many are left and not set aside.
    #[schema(value_type = i64, minimum = 1, example = 1_200)]
    pub remaining: Points,
    /// Whether they can be spent already.
    pub active: bool,
    /// When they were earned.
    pub earned_at: DateTime<Utc>,
    /// When they can first be spent.
    pub activates_at: DateTime<Utc>,
    /// From when on they can no longer be spent; null: they don't expire.
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a lot was given for.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LotOrigin {
    /// Base earning of a purchase.
    Purchase,
    /// A promotion's addition to a purchase.
    Promotion,
    /// An adjustment by hand.
    Adjustment,
}

impl From<lot::LotOrigin> for LotOrigin {
    fn from(origin: lot::LotOrigin) -> Self {
        match origin {
            lot::LotOrigin::Purchase => Self::Purchase,
            lot::LotOrigin::Promotion => Self::Promotion,
            lot::LotOrigin::Adjustment => Self::Adjustment,
        }
    }
}

impl From<lot::Lot> for Lot {
    fn from(lot: lot::Lot) -> Self {
        Self {
            id: lot.id,
            origin: lot.origin.into(),
            origin_id: lot.origin_id,
            funder_business_id: lot.funder.business(),
            amount: lot.amount,
            remaining: lot.remaining,
            active: !lot.pending,
            earned_at: lot.earned_at,
            activates_at: lot.activates_at,
            expires_at: lot.expires_at,
        }
    }
}

/// What I hold, by expiry
///
/// The points as they were earned, in the order in which they are spent: what expires first comes first, what never expires
/// last. Points that are not active yet are listed too.
#[utoipa::path(
    get, path = "/loyalty/lots", operation_id = "loyalty_list_lots", tag = "loyalty",
    params(LotsQuery),
    responses((status = 200, description = "A page of lots", body = Page<Lot>)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn my_lots(
    State(kit): State<HttpKit>,
    By(member): By<MemberCaller>,
    ApiQuery(query): ApiQuery<LotsQuery>,
) -> ApiResult<Json<Page<Lot>>> {
    const LIST: &str = "lots";
    let after: Option<LotPlace> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(LIST, &member.member, cursor)?),
        None => None,
    };
    let limit = u16::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    // One more than asked for tells whether there is a next page.
    let mut found = lots(kit.services(), &member, after, limit + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let last: Option<LotPlace> = found
        .last()
        .map(|lot| (lot.expires_at, lot.id.as_uuid()))
        .filter(|_| more);
    Ok(Json(Page {
        next_cursor: last.map(|last| kit.cursors().seal(LIST, &member.member, &last)),
        items: found.into_iter().map(Into::into).collect(),
    }))
}
