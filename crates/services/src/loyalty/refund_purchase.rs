//! Refunds a purchase in whole or in part, or voids it on its day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId, PurchaseId, RefundId};
use domain::loyalty::explanation::Explanation;
use domain::loyalty::refund::{
    self, PostedLine, PostedPurchase, RefundDecision, RefundRefusal, RefundRequest,
};
use domain::money::{Money, Points};
use domain::rights::Scope;
use serde_json::json;
use sqlx::PgConnection;
use sqlx::types::Json;
use store::error::StoreError;
use store::member_progress::VisitChange;
use store::outbox_events::OutboxEvent;
use store::purchases::{PurchaseLineRow, PurchaseRow};
use store::receipts::ReceiptKind;
use store::refunds::RefundRow;
use store::{earning_rules, purchases, receipts, refunds};
use uuid::Uuid;

use super::ladder::{self, Frame};
use super::posting::Balance;
use super::wallets::{self, Needs};
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::idempotency::{self, Answered, IdempotencyError, IdempotencyKey, Render};
use crate::transaction;

/// A refund as a till sends it.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    /// The purchase.
    pub purchase: PurchaseId,
    /// The refund's own receipt, if the till prints one.
    pub receipt_number: Option<String>,
    /// What is refunded.
    pub request: RefundRequest,
    /// Whether the purchase is undone on its day.
    pub is_void: bool,
    /// Why, in the cashier's words.
    pub reason: String,
}

/// A posted refund with what the member has after it.
#[derive(Clone, Debug)]
pub struct Refunded {
    /// The refund.
    pub refund: RefundRow,
    /// Whether nothing is left of the sale.
    pub complete: bool,
    /// What the member has after it.
    pub balance: Balance,
}

/// Why nothing was refunded. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum RefundPurchaseError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such purchase at the caller's businesses.
    #[error("unknown purchase")]
    UnknownPurchase,
    /// The receipt belongs to another refund.
    #[error("the receipt was posted before")]
    ReceiptSeen {
        /// That refund.
        transaction: Uuid,
    },
    /// The key can't be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] RefundRefusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Refunds a purchase.
///
/// # Errors
/// [`RefundPurchaseError`] says why nothing was refunded.
pub async fn refund_purchase(
    ctx: &Context,
    caller: &TillCaller,
    order: RefundOrder,
    key: IdempotencyKey,
    render: Render<Refunded>,
) -> Result<Answered, RefundPurchaseError> {
    caller.require(Scope::TransactionsWrite)?;
    let frame = ladder::frame(ctx).await?;
    let input = (ctx.clone(), frame, caller.businesses(), order, key, render);
    transaction::run(
        ctx,
        input,
        |conn, (ctx, frame, businesses, order, key, render)| {
            Box::pin(async move {
                if let Some(answer) = idempotency::begin::<RefundPurchaseError>(conn, key).await? {
                    return Ok(Answered {
                        answer,
                        replayed: true,
                    });
                }
                let refunded = refund_in(conn, ctx, frame, businesses, order).await?;
                let answer = render(&refunded);
                idempotency::finish(conn, key, &answer, ctx.clock().now()).await?;
                Ok(Answered {
                    answer,
                    replayed: false,
                })
            })
        },
    )
    .await
}

async fn refund_in(
    conn: &mut PgConnection,
    ctx: &Context,
    frame: &Frame,
    businesses: &[BusinessId],
    order: &RefundOrder,
) -> Result<Refunded, RefundPurchaseError> {
    let now = ctx.clock().now();
    let purchase = find(conn, businesses, order.purchase)
        .await?
        .ok_or(RefundPurchaseError::UnknownPurchase)?;
    let business = BusinessId::from(purchase.business_id);
    let member = MemberId::from(purchase.member_id);
    let needs = Needs {
        lots_of: BTreeSet::from([member]),
        lots: lots_of(&purchase.explanation),
        holds: BTreeSet::new(),
    };
    let mut rows = wallets::load(conn, &BTreeSet::from([member]), &needs, now).await?;
    let row = rows
        .get_mut(&member)
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    if let Some(number) = &order.receipt_number {
        let kind = ReceiptKind::Refund;
        let seen = receipts::find(conn, kind, purchase.business_id, number).await?;
        if let Some(transaction) = seen {
            return Err(RefundPurchaseError::ReceiptSeen { transaction });
        }
    }
    let lines = purchases::lines(conn, purchase.id).await?;
    let earlier = refunds::of_purchase(conn, purchase.id).await?;
    let posted = posted_purchase(&purchase, &lines, &earlier);
    let id: RefundId = ctx.ids().next();
    let settings = &frame.programme.settings;
    let order_of = (id, &order.request, order.is_void);
    let decision = refund::decide(
        settings,
        &posted,
        &mut row.wallet,
        order_of,
        now,
        &mut || ctx.ids().uuid(),
    )?;
    let balance = Balance::of(&row.wallet);
    let refund = refund_row(id, &purchase, order, &decision, balance, now);
    refunds::insert(conn, &refund).await?;
    let receipt = order.receipt_number.clone().map(|number| {
        let business = purchase.business_id;
        (business, ReceiptKind::Refund, number, refund.id)
    });
    let visit = decision.complete.then(|| undone(&purchase));
    let mut writes = wallets::changes(&[row]);
    let receipt = Vec::from_iter(receipt);
    writes.receipts = &receipt;
    let less = (
        -decision.money_returned.hundredths(),
        -decision.points_taken_back.hundredths(),
    );
    let days = BTreeMap::from([((member, decision.day), less)]);
    writes.days = Some(&days);
    let visits = BTreeMap::from_iter(visit.map(|visit| ((member, business), visit)));
    writes.visits = Some(&visits);
    let events = [event(ctx, &purchase, &refund)];
    writes.events = &events;
    wallets::write(conn, &[row], &writes, now).await?;
    give_back(conn, member, &decision).await?;
    Ok(Refunded {
        refund,
        complete: decision.complete,
        balance,
    })
}

fn refund_row(
    id: RefundId,
    purchase: &PurchaseRow,
    order: &RefundOrder,
    decision: &RefundDecision,
    balance: Balance,
    now: DateTime<Utc>,
) -> RefundRow {
    RefundRow {
        id: id.as_uuid(),
        purchase_id: purchase.id,
        business_id: purchase.business_id,
        receipt_number: order.receipt_number.clone(),
        is_void: order.is_void,
        amount: decision.amount.hundredths(),
        money_returned: decision.money_returned.hundredths(),
        points_returned: decision.points_returned.hundredths(),
        points_taken_back: decision.points_taken_back.hundredths(),
        debt_added: decision.debt_added.hundredths(),
        available_after: balance.available.hundredths(),
        debt_after: balance.debt.hundredths(),
        reason: order.reason.clone(),
        explanation: Json(decision.explanation.clone()),
        occurred_at: now,
        recorded_at: now,
    }
}

/// The purchase, if it was made at one of these businesses.
async fn find(
    conn: &mut PgConnection,
    businesses: &[BusinessId],
    id: PurchaseId,
) -> Result<Option<PurchaseRow>, StoreError> {
    for business in businesses {
        if let Some(row) = purchases::get(conn, *business, id.as_uuid()).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn lots_of(explanation: &Explanation) -> BTreeSet<domain::ids::LotId> {
    let earned = explanation.lots.iter().map(|lot| lot.lot);
    earned
        .chain(explanation.spent.iter().map(|draw| draw.lot))
        .collect()
}

fn posted_purchase(
    purchase: &PurchaseRow,
    lines: &[PurchaseLineRow],
    earlier: &[RefundRow],
) -> PostedPurchase {
    let mut refunded: BTreeMap<i16, i64> = BTreeMap::new();
    for line in earlier.iter().flat_map(|refund| &refund.explanation.lines) {
        *refunded.entry(line.line).or_default() += line.amount.hundredths();
    }
    PostedPurchase {
        business: purchase.business_id.into(),
        occurred_at: purchase.occurred_at,
        lines: lines
            .iter()
            .map(|line| PostedLine {
                number: line.line,
                amount: Money::from_hundredths(line.amount),
                paid_by_points: Money::from_hundredths(line.paid_by_points),
                points_spent: Points::from_hundredths(line.points_spent),
                refunded: Money::from_hundredths(refunded.get(&line.line).copied().unwrap_or(0)),
            })
            .collect(),
        explanation: purchase.explanation.0.clone(),
        points_returned: Points::from_hundredths(
            earlier.iter().map(|refund| refund.points_returned).sum(),
        ),
        has_refunds: !earlier.is_empty(),
    }
}

/// The visit that a purchase returned whole was.
fn undone(purchase: &PurchaseRow) -> VisitChange {
    VisitChange {
        visits: -1,
        first_at: purchase.occurred_at,
        last_at: purchase.occurred_at,
    }
}

/// Gives back what counted against limits.
async fn give_back(
    conn: &mut PgConnection,
    member: MemberId,
    decision: &RefundDecision,
) -> Result<(), StoreError> {
    let mut usage = BTreeMap::new();
    for part in &decision.explanation.given_back {
        if let Some(start) = part.period_start {
            let used = usage.entry((member.as_uuid(), part.rule, start));
            *used.or_insert(0) -= part.points.hundredths();
        }
    }
    earning_rules::add_to_usage(conn, &usage).await?;
    let mut budgets = BTreeMap::new();
    for part in &decision.explanation.given_back {
        if part.budgeted {
            *budgets.entry(part.rule).or_insert(0) -= part.points.hundredths();
        }
    }
    let rules: Vec<Uuid> = budgets.keys().map(|rule| rule.as_uuid()).collect();
    earning_rules::lock_budgets(conn, &rules).await?;
    earning_rules::add_to_budgets(conn, &budgets).await
}

fn event(ctx: &Context, purchase: &PurchaseRow, refund: &RefundRow) -> OutboxEvent {
    OutboxEvent {
        id: ctx.ids().uuid(),
        kind: if refund.is_void {
            "purchase.voided"
        } else {
            "purchase.refunded"
        },
        member: Some(purchase.member_id),
        business: Some(purchase.business_id),
        subject: refund.id,
        payload: json!({
            "purchase_id": purchase.id,
            "amount": refund.amount,
            "money_returned": refund.money_returned,
            "points_returned": refund.points_returned,
            "points_taken_back": refund.points_taken_back,
        }),
    }
}
