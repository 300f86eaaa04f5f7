//! Decides purchases.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use domain::loyalty::basket::BasketError;
use domain::loyalty::purchase::{
    self, MemberState, Programme, PurchaseDecision, PurchaseInput, Spend,
};
use domain::money::Points;
use serde_json::json;
use store::member_progress::VisitChange;
use store::outbox_events::OutboxEvent;
use store::purchases::PurchaseRow;
use store::receipts::ReceiptKind;
use uuid::Uuid;

use super::Book;
use super::limits::{counts, refuse_own};
use crate::context::Context;
use crate::loyalty::posting::{Balance, PostItem, PostRefusal, Posted, micros};
use crate::members::Unresolved;

impl Book {
    /// Decides an item. On refusal the book is as before.
    pub(in super::super) fn decide(
        &mut self,
        ctx: &Context,
        index: usize,
        item: &PostItem,
    ) -> Result<Posted, PostRefusal> {
        let place = self
            .loaded
            .stage
            .places
            .get(&item.business)
            .filter(|place| place.terms.active)
            .ok_or(PostRefusal::BusinessNotActive)?;
        let number = item.receipt_number.clone();
        let receipt = (item.business.as_uuid(), ReceiptKind::Purchase, number);
        self.require_unseen(&receipt)?;
        let outlet = item.location;
        if outlet.is_some_and(|location| !place.locations.contains(&location)) {
            return Err(PostRefusal::UnknownLocation);
        }
        let basket = self.loaded.baskets[index].clone();
        // Every purchase has a basket.
        let basket = basket.ok_or(BasketError::LineCount)??;
        let found = self.loaded.resolved[index]?;
        refuse_own(item.cashier_member, found.member)?;
        let spends = matches!(item.spend, Spend::Points(points) if !points.is_zero());
        let code = if spends {
            self.code_to_use(found)?
        } else {
            None
        };
        let mut state = self
            .loaded
            .members
            .get(&found.member)
            .cloned()
            .ok_or(Unresolved::Unknown)?;
        let settings = &self.loaded.stage.frame.programme.settings;
        let programme = Programme {
            settings,
            ladder: &self.loaded.stage.frame.ladder,
            now: self.now,
        };
        let input = PurchaseInput {
            id: ctx.ids().next(),
            occurred_at: item.occurred_at.map_or(self.now, micros),
            basket,
            spend: item.spend,
            proof: found.proof.into(),
            late_hours: item.import.is_none().then_some(settings.late_receipt_hours),
        };
        let rules = &self.loaded.rules[index];
        let (terms, budgets) = (&place.terms.terms, &self.loaded.budgets);
        let ids = &mut || ctx.ids().uuid();
        let decision = purchase::decide(programme, terms, rules, budgets, &mut state, &input, ids)?;
        self.within_limits(item, found.member, decision.points_earned)?;
        self.use_code(code);
        self.take_receipt(receipt, decision.id.as_uuid());
        Ok(self.enter(ctx, index, item, state, &decision, input.occurred_at))
    }

    fn enter(
        &mut self,
        ctx: &Context,
        index: usize,
        item: &PostItem,
        state: MemberState,
        decision: &PurchaseDecision,
        occurred_at: DateTime<Utc>,
    ) -> Posted {
        let member = state.wallet.member;
        let balance = Balance::of(&state.wallet);
        let row = PurchaseRow {
            id: decision.id.as_uuid(),
            business_id: item.business.as_uuid(),
            location_id: item.location.map(Uuid::from),
            cashier: item.cashier.clone(),
            receipt_number: item.receipt_number.clone(),
            member_id: member.as_uuid(),
            hold_id: decision.hold.map(Uuid::from),
            total: decision.total.hundredths(),
            paid_by_points: decision.paid_by_points.hundredths(),
            paid_by_money: decision.paid_by_money.hundredths(),
            points_spent: decision.points_spent.hundredths(),
            points_earned: decision.points_earned.hundredths(),
            tier: decision.tier.clone(),
            tier_after: decision.tier_after.clone(),
            available_after: balance.available.hundredths(),
            debt_after: balance.debt.hundredths(),
            explanation: sqlx::types::Json(decision.explanation.clone()),
            occurred_at,
            recorded_at: self.now,
            import_id: item.import.map(|(import, _)| import),
            import_row: item.import.map(|(_, row)| row),
        };
        self.count(index, item, member, decision, occurred_at);
        let credits_today = self.credit(item, member, decision.points_earned);
        self.announce(ctx, &row);
        let posted = Posted {
            purchase: row.clone(),
            balance,
            measure: decision.measure,
            max_points: decision.max_points,
            unmet: decision.unmet.clone(),
            credits_today,
        };
        self.purchases.push(row);
        self.enter_state(state);
        posted
    }

    /// Adds to visits, progress and limits.
    fn count(
        &mut self,
        index: usize,
        item: &PostItem,
        member: MemberId,
        decision: &PurchaseDecision,
        occurred_at: DateTime<Utc>,
    ) {
        let day = self.days.entry((member, decision.day)).or_default();
        day.0 = day.0.saturating_add(decision.paid_by_money.hundredths());
        day.1 = day.1.saturating_add(decision.points_earned.hundredths());
        let visit = self
            .visits
            .entry((member, item.business))
            .or_insert(VisitChange {
                visits: 0,
                first_at: occurred_at,
                last_at: occurred_at,
                accruals: 0,
            });
        visit.visits += 1;
        visit.accruals += i32::from(counts(item, decision.points_earned));
        visit.first_at = visit.first_at.min(occurred_at);
        visit.last_at = visit.last_at.max(occurred_at);
        for (rule, start, points) in &decision.usage {
            let used = self
                .usage
                .entry((member.as_uuid(), *rule, *start))
                .or_default();
            *used = used.saturating_add(points.hundredths());
        }
        for (rule, points) in &decision.budgets {
            let budget = self.loaded.rules[index]
                .iter()
                .filter(|known| known.id == *rule)
                .find_map(|known| known.definition.caps.budget)
                .unwrap_or_default();
            let grant = self.grants.entry(*rule).or_default();
            grant.0 = grant.0.saturating_add(points.hundredths());
            grant.1 = budget.hundredths();
            let granted = self.loaded.budgets.entry(*rule).or_default();
            *granted = granted
                .plus(*points)
                .unwrap_or(Points::from_hundredths(i64::MAX));
        }
    }

    fn announce(&mut self, ctx: &Context, row: &PurchaseRow) {
        self.events.push(OutboxEvent {
            id: ctx.ids().uuid(),
            kind: "purchase.posted",
            member: Some(row.member_id),
            business: Some(row.business_id),
            subject: row.id,
            payload: json!({
                "total": row.total,
                "paid_by_points": row.paid_by_points,
                "points_spent": row.points_spent,
                "points_earned": row.points_earned,
            }),
        });
        if row.tier != row.tier_after {
            self.events.push(OutboxEvent {
                id: ctx.ids().uuid(),
                kind: "member.tier_changed",
                member: Some(row.member_id),
                business: Some(row.business_id),
                subject: row.id,
                payload: json!({ "from": row.tier, "to": row.tier_after }),
            });
        }
    }
}
