//! Decides refunds.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId, RefundId};
use domain::loyalty::purchase::MemberState;
use domain::loyalty::refund::{self, PostedLine, PostedPurchase, RefundDecision};
use domain::loyalty::tier::TierMeasure;
use domain::loyalty::validity::day_of;
use domain::money::{Money, Points};
use serde_json::json;
use sqlx::types::Json;
use store::member_progress::VisitChange;
use store::outbox_events::OutboxEvent;
use store::posting::contents::EarlierRefund;
use store::posting::named::Sold;
use store::receipts::ReceiptKind;
use store::refunds::RefundRow;
use uuid::Uuid;

use super::Book;
use super::limits::refuse_own;
use crate::context::Context;
use crate::loyalty::posting::{Balance, PostRefusal, RefundItem, Refunded};

/// The purchase of a refund.
#[derive(Clone, Copy, Debug)]
struct Of {
    purchase: Uuid,
    member: MemberId,
    business: BusinessId,
    occurred_at: DateTime<Utc>,
}

impl From<&Sold> for Of {
    fn from(sold: &Sold) -> Self {
        Self {
            purchase: sold.id,
            member: sold.member,
            business: sold.business,
            occurred_at: sold.occurred_at,
        }
    }
}

impl Book {
    pub(super) fn refund(
        &mut self,
        ctx: &Context,
        item: &RefundItem,
    ) -> Result<Refunded, PostRefusal> {
        let sold = self.loaded.named.purchases.get(&item.purchase.as_uuid());
        let sold = sold
            .filter(|sold| item.businesses.contains(&sold.business))
            .ok_or(PostRefusal::UnknownPurchase)?;
        let of = Of::from(sold);
        refuse_own(item.cashier_member, of.member)?;
        let number = item.receipt_number.clone();
        let receipt = number.map(|number| (of.business.as_uuid(), ReceiptKind::Refund, number));
        if let Some(receipt) = &receipt {
            self.require_unseen(receipt)?;
        }
        let state = self.loaded.members.get(&of.member);
        let mut state = state.cloned().ok_or(PostRefusal::UnknownPurchase)?;
        let id: RefundId = ctx.ids().next();
        let decision = refund::decide(
            &self.loaded.stage.frame.programme.settings,
            &self.posted_purchase(sold),
            &mut state.wallet,
            (id, &item.request, item.is_void),
            self.now,
            &mut || ctx.ids().uuid(),
        )?;
        if let Some(receipt) = receipt {
            self.take_receipt(receipt, id.as_uuid());
        }
        Ok(self.enter_refund(ctx, of, item, id, state, decision))
    }

    /// The purchase with what refunds before have left of it.
    fn posted_purchase(&self, sold: &Sold) -> PostedPurchase {
        let refunds = self.loaded.beside.refunds.iter();
        let earlier = || {
            refunds
                .clone()
                .filter(|earlier| earlier.purchase == sold.id)
        };
        let mut refunded: BTreeMap<i16, i64> = BTreeMap::new();
        for line in earlier().flat_map(|refund| &refund.explanation.lines) {
            *refunded.entry(line.line).or_default() += line.amount.hundredths();
        }
        let returned = earlier().map(|refund| refund.points_returned.hundredths());
        let lines = sold.explanation.lines.iter();
        PostedPurchase {
            business: sold.business,
            occurred_at: sold.occurred_at,
            lines: lines
                .map(|line| PostedLine {
                    number: line.line,
                    amount: line.amount,
                    paid_by_points: line.paid_by_points,
                    points_spent: line.points_spent,
                    refunded: Money::from_hundredths(
                        refunded.get(&line.line).copied().unwrap_or(0),
                    ),
                })
                .collect(),
            explanation: sold.explanation.clone(),
            points_returned: Points::from_hundredths(returned.sum()),
            has_refunds: earlier().next().is_some(),
        }
    }

    fn enter_refund(
        &mut self,
        ctx: &Context,
        of: Of,
        item: &RefundItem,
        id: RefundId,
        mut state: MemberState,
        decision: RefundDecision,
    ) -> Refunded {
        let balance = Balance::of(&state.wallet);
        self.count_back(of, &mut state, &decision);
        self.enter_state(state);
        let complete = decision.complete;
        let refund = RefundRow {
            id: id.as_uuid(),
            purchase_id: of.purchase,
            business_id: of.business.as_uuid(),
            receipt_number: item.receipt_number.clone(),
            is_void: item.is_void,
            amount: decision.amount.hundredths(),
            money_returned: decision.money_returned.hundredths(),
            points_returned: decision.points_returned.hundredths(),
            points_taken_back: decision.points_taken_back.hundredths(),
            debt_added: decision.debt_added.hundredths(),
            available_after: balance.available.hundredths(),
            debt_after: balance.debt.hundredths(),
            reason: item.reason.clone(),
            explanation: Json(decision.explanation),
            occurred_at: self.now,
            recorded_at: self.now,
        };
        self.loaded.beside.refunds.push(EarlierRefund {
            purchase: of.purchase,
            points_returned: decision.points_returned,
            explanation: refund.explanation.0.clone(),
        });
        self.events.push(event(ctx, of, &refund));
        self.refunds.push(refund.clone());
        Refunded {
            refund,
            member: of.member,
            complete,
            balance,
        }
    }

    /// Takes from visits, progress and limits what the purchase had added.
    fn count_back(&mut self, of: Of, state: &mut MemberState, decision: &RefundDecision) {
        let (money, points) = (decision.money_returned, decision.points_taken_back);
        let day = self.days.entry((of.member, decision.day)).or_default();
        day.0 = day.0.saturating_sub(money.hundredths());
        day.1 = day.1.saturating_sub(points.hundredths());
        let settings = &self.loaded.stage.frame.programme.settings;
        let age = day_of(self.now, settings.time_zone) - decision.day;
        if age.num_days() < i64::from(settings.tier_window_days) {
            state.measure = state.measure.saturating_sub(match settings.tier_measure {
                TierMeasure::NetSpend => money.hundredths(),
                TierMeasure::PointsEarned => points.hundredths(),
            });
        }
        if decision.complete {
            self.take_visit_back(of);
            if let Some(visits) = state.visits.get_mut(&of.business) {
                *visits = visits.saturating_sub(1);
            }
        }
        for part in &decision.explanation.given_back {
            if let Some(start) = part.period_start {
                let key = (of.member.as_uuid(), part.rule, start);
                let used = self.usage.entry(key).or_default();
                *used = used.saturating_sub(part.points.hundredths());
                if let Some(used) = state.usage.get_mut(&(part.rule, start)) {
                    *used = less(*used, part.points);
                }
            }
            if part.budgeted {
                let grant = self.grants.entry(part.rule).or_default();
                grant.0 = grant.0.saturating_sub(part.points.hundredths());
                if let Some(granted) = self.loaded.budgets.get_mut(&part.rule) {
                    *granted = less(*granted, part.points);
                }
            }
        }
    }

    /// The purchase was a visit; returned whole, it is none.
    fn take_visit_back(&mut self, of: Of) {
        let visit = self.visits.entry((of.member, of.business));
        let visit = visit.or_insert(VisitChange {
            visits: 0,
            first_at: of.occurred_at,
            last_at: of.occurred_at,
            accruals: 0,
        });
        visit.visits -= 1;
        visit.first_at = visit.first_at.min(of.occurred_at);
        visit.last_at = visit.last_at.max(of.occurred_at);
    }
}

/// What is left, never below nothing.
fn less(whole: Points, part: Points) -> Points {
    whole.minus(part).unwrap_or_default().max(Points::ZERO)
}

fn event(ctx: &Context, of: Of, refund: &RefundRow) -> OutboxEvent {
    OutboxEvent {
        id: ctx.ids().uuid(),
        kind: if refund.is_void {
            "purchase.voided"
        } else {
            "purchase.refunded"
        },
        member: Some(of.member.as_uuid()),
        business: Some(refund.business_id),
        subject: refund.id,
        payload: json!({
            "purchase_id": refund.purchase_id,
            "amount": refund.amount,
            "money_returned": refund.money_returned,
            "points_returned": refund.points_returned,
            "points_taken_back": refund.points_taken_back,
        }),
    }
}
