//! GET /loyalty/history: the member's movements of points, each with a sentence.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, JournalId};
use domain::loyalty::ledger::JournalKind;
use domain::money::Points;
use http::{HeaderMap, header};
use http_kit::problem::Language;
use http_kit::{ApiQuery, By, HttpKit, Page, PageLimit};
use serde::{Deserialize, Serialize};
use services::caller::MemberCaller;
use services::loyalty::history::{self, MovementSource, history};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::movement_text::sentence;
use crate::problem::ApiResult;

/// Which movements to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// One movement of my points.
#[derive(Serialize, ToSchema)]
pub struct Movement {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: JournalId,
    /// Why points moved.
    pub kind: MovementKind,
    /// The business at which it happened.
    #[schema(required = true)]
    pub business: Option<MovementBusiness>,
    /// What it comes from.
    #[schema(required = true)]
    pub source: Option<Source>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Change of the available points, in hundredths.
    #[schema(value_type = i64, example = 2_500)]
    pub available: Points,
    /// Change of the pending points.
    #[schema(value_type = i64, example = 0)]
    pub pending: Points,
    /// Change of the held points.
    #[schema(value_type = i64, example = 0)]
    pub held: Points,
    /// Change of the debt; positive: more is owed.
    #[schema(value_type = i64, example = 0)]
    pub debt: Points,
    /// The same in a sentence, in the language of `Accept-Language`.
    #[schema(
        max_length = 500,
        example = "Earned by a purchase at Cafe Luna: 25 points."
    )]
    pub text: String,
}

/// Why points moved.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// Points were given.
    Accrual,
    /// Pending points became available.
    Activation,
    /// Points paid a part of a bill.
    Redemption,
    /// Points were set aside.
    Hold,
    /// Points set aside paid a part of a bill.
    Capture,
    /// Points set aside came back.
    Release,
    /// Points expired.
    Expiry,
    /// A refund took points back.
    Clawback,
    /// A refund gave spent points back.
    Restoration,
    /// Points just gained paid debt.
    DebtPayment,
    /// Points were given or taken by hand.
    Adjustment,
}

/// The business at which points moved.
#[derive(Serialize, ToSchema)]
pub struct MovementBusiness {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: BusinessId,
    /// Name.
    #[schema(max_length = 200, example = "Cafe Luna")]
    pub name: String,
}

/// What a movement comes from.
#[derive(Serialize, ToSchema)]
pub struct Source {
    /// What it is.
    pub kind: SourceKind,
    /// Its identifier.
    pub id: Uuid,
}

/// What a movement can come from.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A purchase.
    Purchase,
    /// A refund of a purchase.
    Refund,
    /// Points set aside for a checkout.
    Hold,
}

impl From<JournalKind> for MovementKind {
    fn from(kind: JournalKind) -> Self {
        match kind {
            JournalKind::Accrual => Self::Accrual,
            JournalKind::Activation => Self::Activation,
            JournalKind::Redemption => Self::Redemption,
            JournalKind::Hold => Self::Hold,
            JournalKind::Capture => Self::Capture,
            JournalKind::Release => Self::Release,
            JournalKind::Expiry => Self::Expiry,
            JournalKind::Clawback => Self::Clawback,
            JournalKind::Restoration => Self::Restoration,
            JournalKind::DebtPayment => Self::DebtPayment,
            JournalKind::Adjustment => Self::Adjustment,
        }
    }
}

impl From<MovementSource> for Source {
    fn from(source: MovementSource) -> Self {
        let (kind, id) = match source {
            MovementSource::Purchase(id) => (SourceKind::Purchase, id.as_uuid()),
            MovementSource::Refund(id) => (SourceKind::Refund, id.as_uuid()),
            MovementSource::Hold(id) => (SourceKind::Hold, id.as_uuid()),
        };
        Self { kind, id }
    }
}

impl Movement {
    fn of(movement: history::Movement, language: Language) -> Self {
        Self {
            text: sentence(&movement, language),
            id: movement.id,
            kind: movement.kind.into(),
            business: movement
                .business
                .map(|(id, name)| MovementBusiness { id, name }),
            source: movement.source.map(Source::from),
            occurred_at: movement.occurred_at,
            available: movement.available,
            pending: movement.pending,
            held: movement.held,
            debt: movement.debt,
        }
    }
}

/// My movements of points
///
/// Newest first. Each says what changed, where and why; `text` says it in Russian or English, as `Accept-Language` asks.
#[utoipa::path(
    get, path = "/loyalty/history", operation_id = "loyalty_list_history", tag = "loyalty",
    params(HistoryQuery),
    responses((status = 200, description = "A page of movements", body = Page<Movement>)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn movements(
    State(kit): State<HttpKit>,
    By(member): By<MemberCaller>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<HistoryQuery>,
) -> ApiResult<Response> {
    const LIST: &str = "history";
    let before: Option<JournalId> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(LIST, &member.member, cursor)?),
        None => None,
    };
    let limit = u16::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    let language = Language::from_accept(accepted.and_then(|value| value.to_str().ok()));
    // One more than asked for tells whether there is a next page.
    let before = before.map(JournalId::as_uuid);
    let mut found = history(kit.services(), &member, before, limit + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let last = found.last().map(|movement| movement.id).filter(|_| more);
    let page = Page {
        next_cursor: last.map(|last| kit.cursors().seal(LIST, &member.member, &last)),
        items: found
            .into_iter()
            .map(|movement| Movement::of(movement, language))
            .collect(),
    };
    let tag = [(header::CONTENT_LANGUAGE, language.tag())];
    Ok((tag, Json(page)).into_response())
}
