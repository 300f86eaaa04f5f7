//! A purchase and its refunds in JSON. Amounts are integers in hundredths.

use chrono::{DateTime, Utc};
use domain::ids::BusinessId;
use domain::loyalty::explanation::{Clamp, Exclusion, Explanation, LotExplained};
use domain::loyalty::lot::Funder;
use domain::loyalty::refund::RefundExplanation;
use domain::loyalty::wallet::Draw;
use serde::Serialize;
use services::loyalty::transactions::{
    ListedPurchase, PurchaseRow, PurchaseWithRefunds, RefundRow,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::Hundredths;

/// How far a purchase was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    /// Nothing was given back.
    Posted,
    /// A part was given back.
    PartlyRefunded,
    /// All was given back.
    Refunded,
}

/// A purchase with the explanation of all that it did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Transaction {
    /// Identifier.
    pub id: Uuid,
    /// Where it was made.
    pub business_id: Uuid,
    /// The outlet.
    pub location_id: Option<Uuid>,
    /// The cashier as the till named him.
    #[schema(max_length = 100)]
    pub cashier: Option<String>,
    /// The receipt's number.
    #[schema(max_length = 100)]
    pub receipt_number: String,
    /// Who bought.
    pub member_id: Uuid,
    /// The hold that paid.
    pub hold_id: Option<Uuid>,
    /// How far it was given back.
    pub status: TransactionStatus,
    /// The bill.
    #[schema(value_type = Hundredths)]
    pub total: i64,
    /// What points paid of it, in money.
    #[schema(value_type = Hundredths)]
    pub paid_by_points: i64,
    /// What is paid in money.
    #[schema(value_type = Hundredths)]
    pub paid_by_money: i64,
    /// What was refunded so far, in money.
    #[schema(value_type = Hundredths)]
    pub refunded: i64,
    /// The points that paid.
    #[schema(value_type = Hundredths)]
    pub points_spent: i64,
    /// The points earned.
    #[schema(value_type = Hundredths)]
    pub points_earned: i64,
    /// The member's tier when buying.
    #[schema(max_length = 32)]
    pub tier: String,
    /// The tier after it.
    #[schema(max_length = 32)]
    pub tier_after: String,
    /// Points available after it.
    #[schema(value_type = Hundredths)]
    pub available_after: i64,
    /// Points owed after it.
    #[schema(value_type = Hundredths)]
    pub debt_after: i64,
    /// When it was made.
    pub occurred_at: DateTime<Utc>,
    /// When it was posted.
    pub recorded_at: DateTime<Utc>,
    /// How each line was paid and what of it earns.
    #[schema(max_items = 500)]
    pub lines: Vec<LineOut>,
    /// What each line earned by the base rate and by each rule.
    #[schema(max_items = 10000)]
    pub accruals: Vec<AccrualOut>,
    /// The lots that came of it.
    #[schema(max_items = 1000)]
    pub lots: Vec<LotOut>,
    /// The lots that paid, in the order of spending.
    #[schema(max_items = 10000)]
    pub spent: Vec<DrawOut>,
    /// What was given back.
    #[schema(max_items = 1000)]
    pub refunds: Vec<Refund>,
}

/// How a line was paid and what of it earns.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LineOut {
    /// Number on the receipt, from 1.
    #[schema(minimum = 1, maximum = 500)]
    pub line: i32,
    /// Category.
    #[schema(max_length = 32)]
    pub category: String,
    /// What it costs.
    #[schema(value_type = Hundredths)]
    pub amount: i64,
    /// What points paid of it, in money.
    #[schema(value_type = Hundredths)]
    pub paid_by_points: i64,
    /// The points that paid it.
    #[schema(value_type = Hundredths)]
    pub points_spent: i64,
    /// The money that can earn.
    #[schema(value_type = Hundredths)]
    pub eligible: i64,
    /// Why not all of it can: `category_earns_nothing`, `paid_by_points`.
    #[schema(max_items = 2)]
    pub excluded: Vec<ExcludedBecause>,
}

/// Why money earns nothing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExcludedBecause {
    /// Its category earns nothing.
    CategoryEarnsNothing,
    /// Points paid it.
    PaidByPoints,
}

/// What a line earned by the base rate or by one rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccrualOut {
    /// Number of the line.
    #[schema(minimum = 1, maximum = 500)]
    pub line: i32,
    /// The rule; null: the base rate of the business.
    pub rule_id: Option<Uuid>,
    /// Russian name of the rule.
    #[schema(max_length = 100)]
    pub name_ru: String,
    /// English name of the rule.
    #[schema(max_length = 100)]
    pub name_en: String,
    /// What the rule asked for.
    #[schema(value_type = Hundredths)]
    pub asked: i64,
    /// What was granted.
    #[schema(value_type = Hundredths)]
    pub granted: i64,
    /// Why less was granted.
    #[schema(max_items = 4)]
    pub clamped_by: Vec<ClampedBy>,
    /// The lot in which the points are.
    pub lot_id: Option<Uuid>,
}

/// Why a rule gave less than it asked for.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClampedBy {
    /// The rule's cap for one purchase.
    PerPurchase,
    /// The rule's cap for one member and period.
    PerMember,
    /// The rule's budget.
    Budget,
    /// The programme's cap for one purchase.
    ProgrammeCap,
}

/// A lot that a purchase made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LotOut {
    /// The lot.
    pub lot_id: Uuid,
    /// `purchase` or `promotion`.
    #[schema(max_length = 20)]
    pub origin: String,
    /// The business that pays for it; null: the programme.
    pub funder_business_id: Option<Uuid>,
    /// Its points.
    #[schema(value_type = Hundredths)]
    pub points: i64,
    /// When they can first be spent.
    pub activates_at: DateTime<Utc>,
    /// When they can no longer be spent; null: never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Points taken from or given back to one lot.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DrawOut {
    /// The lot.
    pub lot_id: Uuid,
    /// How many of its points.
    #[schema(value_type = Hundredths)]
    pub points: i64,
}

/// A refund with its explanation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Refund {
    /// Identifier.
    pub id: Uuid,
    /// The purchase.
    pub transaction_id: Uuid,
    /// Its own receipt.
    #[schema(max_length = 100)]
    pub receipt_number: Option<String>,
    /// Whether the purchase was undone on its day.
    pub is_void: bool,
    /// What is refunded, money and points together, in money.
    #[schema(value_type = Hundredths)]
    pub amount: i64,
    /// The money to give back.
    #[schema(value_type = Hundredths)]
    pub money_returned: i64,
    /// The points given back.
    #[schema(value_type = Hundredths)]
    pub points_returned: i64,
    /// The earned points taken back.
    #[schema(value_type = Hundredths)]
    pub points_taken_back: i64,
    /// The part of them that became debt.
    #[schema(value_type = Hundredths)]
    pub debt_added: i64,
    /// Points available after it.
    #[schema(value_type = Hundredths)]
    pub available_after: i64,
    /// Points owed after it.
    #[schema(value_type = Hundredths)]
    pub debt_after: i64,
    /// Why, in the cashier's words.
    #[schema(max_length = 500)]
    pub reason: String,
    /// When it was made.
    pub occurred_at: DateTime<Utc>,
    /// Line by line.
    #[schema(max_items = 500)]
    pub lines: Vec<RefundedLineOut>,
    /// The lots to which spent points went back.
    #[schema(max_items = 10000)]
    pub restored: Vec<DrawOut>,
    /// Until when a lot that had expired lives on.
    pub grace_until: Option<DateTime<Utc>>,
    /// What became of the points asked back, lot by lot.
    #[schema(max_items = 1000)]
    pub taken_back: Vec<TakenBackOut>,
}

/// What a refund does to a line.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RefundedLineOut {
    /// Number on the receipt.
    #[schema(minimum = 1, maximum = 500)]
    pub line: i32,
    /// What is refunded of it.
    #[schema(value_type = Hundredths)]
    pub amount: i64,
    /// The part that points had paid, in money.
    #[schema(value_type = Hundredths)]
    pub paid_by_points: i64,
    /// The points given back for it.
    #[schema(value_type = Hundredths)]
    pub points_returned: i64,
    /// The points asked back for it.
    #[schema(value_type = Hundredths)]
    pub points_taken_back: i64,
}

/// What became of the points that a refund asked back from one lot.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TakenBackOut {
    /// The lot that had earned them.
    pub lot_id: Uuid,
    /// How many were asked back.
    #[schema(value_type = Hundredths)]
    pub asked: i64,
    /// Taken while still pending.
    #[schema(value_type = Hundredths)]
    pub from_pending: i64,
    /// Taken from what the lot still had.
    #[schema(value_type = Hundredths)]
    pub from_available: i64,
    /// Had expired unspent: nothing is owed for them.
    #[schema(value_type = Hundredths)]
    pub from_expired: i64,
    /// Had been spent; taken from other points.
    #[schema(value_type = Hundredths)]
    pub from_other_lots: i64,
    /// Had been spent; owed from now on.
    #[schema(value_type = Hundredths)]
    pub debt: i64,
    /// Had been spent; let go.
    #[schema(value_type = Hundredths)]
    pub forgiven: i64,
}

impl Transaction {
    /// A purchase with its refunds.
    pub(crate) fn new(row: PurchaseRow, refunds: Vec<RefundRow>) -> Self {
        let refunded = refunds.iter().map(|refund| refund.amount).sum();
        let refunds: Vec<Refund> = refunds.into_iter().map(Refund::from).collect();
        let has_refunds = !refunds.is_empty();
        Self::with(row, refunded, has_refunds, refunds)
    }

    fn with(row: PurchaseRow, refunded: i64, has_refunds: bool, refunds: Vec<Refund>) -> Self {
        let Explained {
            lines,
            accruals,
            lots,
            spent,
        } = Explained::of(row.explanation.0, row.business_id.into());
        Self {
            id: row.id,
            business_id: row.business_id,
            location_id: row.location_id,
            cashier: row.cashier,
            receipt_number: row.receipt_number,
            member_id: row.member_id,
            hold_id: row.hold_id,
            status: match (has_refunds, refunded < row.total) {
                (false, _) => TransactionStatus::Posted,
                (true, true) => TransactionStatus::PartlyRefunded,
                (true, false) => TransactionStatus::Refunded,
            },
            total: row.total,
            paid_by_points: row.paid_by_points,
            paid_by_money: row.paid_by_money,
            refunded,
            points_spent: row.points_spent,
            points_earned: row.points_earned,
            tier: row.tier,
            tier_after: row.tier_after,
            available_after: row.available_after,
            debt_after: row.debt_after,
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            lines,
            accruals,
            lots,
            spent,
            refunds,
        }
    }
}

impl From<ListedPurchase> for Transaction {
    fn from(listed: ListedPurchase) -> Self {
        let has_refunds = listed.refunds > 0;
        Self::with(listed.purchase, listed.refunded, has_refunds, Vec::new())
    }
}

impl From<PurchaseWithRefunds> for Transaction {
    fn from(found: PurchaseWithRefunds) -> Self {
        Self::new(found.purchase, found.refunds)
    }
}

/// The four lists of an explanation.
pub(crate) struct Explained {
    pub(crate) lines: Vec<LineOut>,
    pub(crate) accruals: Vec<AccrualOut>,
    pub(crate) lots: Vec<LotOut>,
    pub(crate) spent: Vec<DrawOut>,
}

impl Explained {
    /// The explanation of a purchase at `seller`.
    pub(crate) fn of(explanation: Explanation, seller: BusinessId) -> Self {
        Self {
            lines: explanation.lines.into_iter().map(line).collect(),
            accruals: explanation.accruals.into_iter().map(accrual).collect(),
            lots: explanation.lots.iter().map(|it| lot(it, seller)).collect(),
            spent: explanation.spent.into_iter().map(draw).collect(),
        }
    }
}

fn line(line: domain::loyalty::explanation::LineExplained) -> LineOut {
    LineOut {
        line: line.line.into(),
        category: line.category,
        amount: line.amount.hundredths(),
        paid_by_points: line.paid_by_points.hundredths(),
        points_spent: line.points_spent.hundredths(),
        eligible: line.eligible.hundredths(),
        excluded: line
            .excluded
            .into_iter()
            .map(|why| match why {
                Exclusion::CategoryEarnsNothing => ExcludedBecause::CategoryEarnsNothing,
                Exclusion::PaidByPoints => ExcludedBecause::PaidByPoints,
            })
            .collect(),
    }
}

fn accrual(accrual: domain::loyalty::explanation::AccrualExplained) -> AccrualOut {
    AccrualOut {
        line: accrual.line.into(),
        rule_id: accrual.rule.map(Uuid::from),
        name_ru: accrual.name_ru,
        name_en: accrual.name_en,
        asked: accrual.asked.hundredths(),
        granted: accrual.granted.hundredths(),
        clamped_by: accrual
            .clamped_by
            .into_iter()
            .map(|clamp| match clamp {
                Clamp::PerPurchase => ClampedBy::PerPurchase,
                Clamp::PerMember => ClampedBy::PerMember,
                Clamp::Budget => ClampedBy::Budget,
                Clamp::ProgrammeCap => ClampedBy::ProgrammeCap,
            })
            .collect(),
        lot_id: accrual.lot.map(Uuid::from),
    }
}

fn lot(lot: &LotExplained, seller: BusinessId) -> LotOut {
    LotOut {
        lot_id: lot.lot.into(),
        origin: lot.origin.as_str().to_owned(),
        funder_business_id: Funder::business(lot.paid_by(seller)).map(Uuid::from),
        points: lot.points.hundredths(),
        activates_at: lot.activates_at,
        expires_at: lot.expires_at,
    }
}

fn draw(draw: Draw) -> DrawOut {
    DrawOut {
        lot_id: draw.lot.into(),
        points: draw.points.hundredths(),
    }
}

impl From<RefundRow> for Refund {
    fn from(row: RefundRow) -> Self {
        let RefundExplanation {
            lines,
            restored,
            grace_until,
            clawback,
            given_back: _,
        } = row.explanation.0;
        Self {
            id: row.id,
            transaction_id: row.purchase_id,
            receipt_number: row.receipt_number,
            is_void: row.is_void,
            amount: row.amount,
            money_returned: row.money_returned,
            points_returned: row.points_returned,
            points_taken_back: row.points_taken_back,
            debt_added: row.debt_added,
            available_after: row.available_after,
            debt_after: row.debt_after,
            reason: row.reason,
            occurred_at: row.occurred_at,
            lines: lines
                .into_iter()
                .map(|line| RefundedLineOut {
                    line: line.line.into(),
                    amount: line.amount.hundredths(),
                    paid_by_points: line.paid_by_points.hundredths(),
                    points_returned: line.points_returned.hundredths(),
                    points_taken_back: line.points_taken_back.hundredths(),
                })
                .collect(),
            grace_until: grace_until.filter(|_| !restored.is_empty()),
            restored: restored.into_iter().map(draw).collect(),
            taken_back: clawback
                .lots
                .into_iter()
                .map(|part| TakenBackOut {
                    lot_id: part.lot.into(),
                    asked: part.asked.hundredths(),
                    from_pending: part.from_pending.hundredths(),
                    from_available: part.from_available.hundredths(),
                    from_expired: part.from_expired.hundredths(),
                    from_other_lots: part.from_other_lots.hundredths(),
                    debt: part.debt.hundredths(),
                    forgiven: part.forgiven.hundredths(),
                })
                .collect(),
        }
    }
}
