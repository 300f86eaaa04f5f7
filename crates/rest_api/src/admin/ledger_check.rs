//! GET /admin/ledger/check: whether the ledger is sound.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId};
use http_kit::{ApiQuery, By};
use serde::{Deserialize, Serialize};
use services::audit::{KeptAudit, PointTotals, Totals, check_ledger};
use services::caller::OperatorCaller;
use services::context::Context;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::log_check_model::AuditLogCheck;
use crate::problem::ApiResult;

/// Which audit to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LedgerCheckQuery {
    /// Whether to recompute now; otherwise the last audit is shown. A large ledger takes minutes.
    fresh: Option<bool>,
}

/// An audit: everything recomputed from the journals, at one moment.
#[derive(Serialize, ToSchema)]
pub struct LedgerCheck {
    /// Identifier.
    pub id: Uuid,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// Whether nothing differs.
    pub clean: bool,
    /// How many differences there are in all.
    #[schema(minimum = 0)]
    pub differences: i64,
    /// The first of them, some of each check.
    #[schema(max_items = 100)]
    pub named: Vec<LedgerDifference>,
    /// What there was in all.
    pub totals: LedgerTotals,
    /// What was found in the audit log; null for audits made before there was one.
    #[schema(required = true)]
    pub audit_log: Option<AuditLogCheck>,
}

/// One figure that is not what it must be.
#[derive(Serialize, ToSchema)]
pub struct LedgerDifference {
    /// The check that found it.
    #[schema(max_length = 64, example = "wallet_balance")]
    pub check: String,
    /// What it was found at: journal, member, lot, hold, purchase, refund, rule or ledger.
    #[schema(max_length = 16, example = "member")]
    pub subject: String,
    /// Its identifier; null for the whole ledger.
    #[schema(required = true)]
    pub subject_id: Option<Uuid>,
    /// The member concerned.
    #[schema(required = true, value_type = Option<Uuid>)]
    pub member_id: Option<MemberId>,
    /// The business concerned.
    #[schema(required = true, value_type = Option<Uuid>)]
    pub business_id: Option<BusinessId>,
    /// Which figure, with its line, day or period.
    #[schema(max_length = 200, example = "available")]
    pub field: String,
    /// What it must be, amounts in hundredths; null: it must not be there.
    #[schema(required = true, max_length = 1000, example = "12000")]
    pub expected: Option<String>,
    /// What it is; null: it is not there.
    #[schema(required = true, max_length = 1000, example = "12001")]
    pub found: Option<String>,
}

/// What there was in all. Money and points are in hundredths.
#[derive(Serialize, ToSchema)]
pub struct LedgerTotals {
    /// Members, those who wait among them.
    pub members: i64,
    /// Businesses.
    pub businesses: i64,
    /// Purchases.
    pub purchases: i64,
    /// What they cost.
    pub purchase_total: i64,
    /// What money paid of it.
    pub paid_by_money: i64,
    /// What points paid of it.
    pub paid_by_points: i64,
    /// Refunds and voids.
    pub refunds: i64,
    /// What they refunded.
    pub refund_amount: i64,
    /// The money given back.
    pub money_returned: i64,
    /// Lots.
    pub lots: i64,
    /// Holds.
    pub holds: i64,
    /// Journals.
    pub journals: i64,
    /// Entries.
    pub entries: i64,
    /// The points.
    pub points: LedgerPoints,
}

/// Where the points are, in hundredths. What was issued is what was honoured, expired and is outstanding (available,
/// pending, held), less the debt.
#[derive(Serialize, ToSchema)]
pub struct LedgerPoints {
    /// Given at the expense of businesses, less what was taken back.
    pub issued_by_businesses: i64,
    /// Given at the expense of the programme, less what was taken back.
    pub issued_by_programme: i64,
    /// Spent at businesses, less what refunds gave back.
    pub honoured: i64,
    /// Expired.
    pub breakage: i64,
    /// Ready to be spent.
    pub available: i64,
    /// Not active yet.
    pub pending: i64,
    /// Set aside.
    pub held: i64,
    /// Owed by members.
    pub debt: i64,
}

impl From<KeptAudit> for LedgerCheck {
    fn from(audit: KeptAudit) -> Self {
        let named = audit.named.into_iter().map(|difference| LedgerDifference {
            check: difference.check,
            subject: difference.subject,
            subject_id: difference.subject_id,
            member_id: difference.member_id,
            business_id: difference.business_id,
            field: difference.field,
            expected: difference.expected,
            found: difference.found,
        });
        Self {
            id: audit.id,
            started_at: audit.started_at,
            finished_at: audit.finished_at,
            clean: audit.differences == 0,
            differences: audit.differences,
            named: named.collect(),
            totals: audit.totals.into(),
            audit_log: audit.log.map(Into::into),
        }
    }
}

impl From<Totals> for LedgerTotals {
    fn from(totals: Totals) -> Self {
        Self {
            members: totals.members,
            businesses: totals.businesses,
            purchases: totals.purchases,
            purchase_total: totals.purchase_total.hundredths(),
            paid_by_money: totals.paid_by_money.hundredths(),
            paid_by_points: totals.paid_by_points.hundredths(),
            refunds: totals.refunds,
            refund_amount: totals.refund_amount.hundredths(),
            money_returned: totals.money_returned.hundredths(),
            lots: totals.lots,
            holds: totals.holds,
            journals: totals.journals,
            entries: totals.entries,
            points: totals.points.into(),
        }
    }
}

impl From<PointTotals> for LedgerPoints {
    fn from(points: PointTotals) -> Self {
        Self {
            issued_by_businesses: points.issued_by_businesses.hundredths(),
            issued_by_programme: points.issued_by_programme.hundredths(),
            honoured: points.honoured.hundredths(),
            breakage: points.breakage.hundredths(),
            available: points.available.hundredths(),
            pending: points.pending.hundredths(),
            held: points.held.hundredths(),
            debt: points.debt.hundredths(),
        }
    }
}

/// Check the ledger
///
/// For an admin: what the last audit found. An audit recomputes balances, lots, holds, purchases, refunds, progress and
/// limits from the journals and names each difference, and compares the audit log with its chain of hashes and its anchors.
/// It runs each night; with `fresh`, or when there was none, now.
#[utoipa::path(
    get, path = "/admin/ledger/check", operation_id = "admin_check_ledger", tag = "admin",
    params(LedgerCheckQuery),
    responses((status = 200, description = "The audit", body = LedgerCheck)),
    extensions(("x-problems" = json!(["conflict"]))),
)]
pub async fn check(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiQuery(query): ApiQuery<LedgerCheckQuery>,
) -> ApiResult<Json<LedgerCheck>> {
    let audit = check_ledger(&ctx, &operator, query.fresh.unwrap_or(false)).await?;
    Ok(Json(audit.into()))
}
