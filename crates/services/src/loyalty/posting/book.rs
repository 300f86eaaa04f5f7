//! Decides a group's items one by one over the state that the items before have left, and remembers what to write.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId, RuleId};
use domain::loyalty::ledger::Journal;
use domain::loyalty::purchase::{
    self, MemberState, Programme, PurchaseDecision, PurchaseInput, Spend,
};
use domain::money::Points;
use serde_json::json;
use store::kept_answers::{KeptAnswer, KeptContent};
use store::member_progress::VisitChange;
use store::outbox_events::OutboxEvent;
use store::purchases::{PurchaseLineRow, PurchaseRow};
use store::receipts::ReceiptKind;
use uuid::Uuid;

use super::load::Loaded;
use super::write::Grants;
use super::{Balance, PostItem, PostOutcome, PostRefusal, Posted, micros};
use crate::context::Context;
use crate::idempotency::{Answer, IdempotencyError, Render};
use crate::members::{MemberReference, Proof, ResolvedMember, Unresolved};

/// The state of a group and what is to be written of it.
#[derive(Debug)]
pub(super) struct Book {
    loaded: Loaded,
    now: DateTime<Utc>,
    pub(super) touched: BTreeSet<MemberId>,
    /// What the wallets wrote, kept here so that the state of a member stays small.
    pub(super) journals: Vec<Journal>,
    pub(super) purchases: Vec<PurchaseRow>,
    pub(super) lines: Vec<PurchaseLineRow>,
    pub(super) receipts: Vec<(Uuid, ReceiptKind, String, Uuid)>,
    pub(super) days: BTreeMap<(MemberId, NaiveDate), (i64, i64)>,
    pub(super) visits: BTreeMap<(MemberId, BusinessId), VisitChange>,
    pub(super) usage: BTreeMap<(Uuid, RuleId, NaiveDate), i64>,
    pub(super) grants: Grants,
    pub(super) codes: Vec<(Uuid, i64)>,
    pub(super) events: Vec<OutboxEvent>,
    pub(super) answers: Vec<(Uuid, KeptAnswer)>,
}

impl Book {
    pub(super) fn new(loaded: Loaded, now: DateTime<Utc>) -> Self {
        Self {
            loaded,
            now,
            touched: BTreeSet::new(),
            journals: Vec::new(),
            purchases: Vec::new(),
            lines: Vec::new(),
            receipts: Vec::new(),
            days: BTreeMap::new(),
            visits: BTreeMap::new(),
            usage: BTreeMap::new(),
            grants: Grants::new(),
            codes: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// The people to be made: those of the strangers for whom something was posted.
    pub(super) fn newcomers(
        &self,
    ) -> impl Iterator<Item = (MemberId, BusinessId, &MemberReference)> {
        self.loaded
            .strangers
            .iter()
            .filter(|(member, _)| self.touched.contains(member))
            .map(|(member, (business, named))| (*member, *business, named))
    }

    pub(super) fn members(&self) -> &BTreeMap<MemberId, MemberState> {
        &self.loaded.members
    }

    /// Decides an item, or gives the answer that it got before under its key.
    pub(super) fn post(
        &mut self,
        ctx: &Context,
        index: usize,
        item: &PostItem,
    ) -> Result<PostOutcome, PostRefusal> {
        let Some((key, render)) = &item.idempotency else {
            return Ok(PostOutcome::Posted(
                Box::new(self.decide(ctx, index, item)?),
                None,
            ));
        };
        let digest = key.digest();
        if let Some(kept) = self.loaded.kept.get(&digest) {
            key.accept(kept)?;
            return Ok(PostOutcome::Replayed(self.again(kept, *render)?));
        }
        if self.loaded.keys_free.get(index) != Some(&Some(true)) {
            return Err(IdempotencyError::InFlight.into());
        }
        let posted = self.decide(ctx, index, item)?;
        let answer = render(&posted.purchase);
        let (digest, kept) = key.keep_purchase(&answer, posted.purchase.id);
        self.loaded.kept.insert(digest, kept.clone());
        self.answers.push((digest, kept));
        Ok(PostOutcome::Posted(Box::new(posted), Some(answer)))
    }

    /// The answer that was given under a key.
    fn again(
        &self,
        kept: &KeptAnswer,
        render: Render<PurchaseRow>,
    ) -> Result<Answer, IdempotencyError> {
        let KeptContent::Purchase(id) = kept.content else {
            return Answer::of_kept(kept.clone()).ok_or(IdempotencyError::InFlight);
        };
        let of_group = || self.purchases.iter().find(|row| row.id == id);
        let row = self.loaded.kept_purchases.get(&id).or_else(of_group);
        row.map(render).ok_or(IdempotencyError::InFlight)
    }

    /// Decides an item. On refusal the book is as before.
    pub(super) fn decide(
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
        let receipt = (item.business.as_uuid(), item.receipt_number.clone());
        if let Some(transaction) = self.loaded.receipts.get(&receipt) {
            return Err(PostRefusal::ReceiptSeen {
                transaction: *transaction,
            });
        }
        let outlet = item.location;
        if outlet.is_some_and(|location| !place.locations.contains(&location)) {
            return Err(PostRefusal::UnknownLocation);
        }
        let basket = self.loaded.baskets[index].clone()?;
        let found = self.loaded.resolved[index]?;
        if item.cashier_member == Some(found.member) {
            return Err(PostRefusal::OwnAccount);
        }
        let code = self.code_to_use(item, found)?;
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
        if let Some(used) = code {
            self.codes.push(used);
            self.loaded.used_codes.insert(used);
        }
        self.loaded.receipts.insert(receipt, decision.id.as_uuid());
        Ok(self.enter(ctx, index, item, state, &decision, input.occurred_at))
    }

    /// The rotating code that this item uses up: only spending does.
    fn code_to_use(
        &self,
        item: &PostItem,
        found: ResolvedMember,
    ) -> Result<Option<(Uuid, i64)>, PostRefusal> {
        let spends = matches!(item.spend, Spend::Points(points) if !points.is_zero());
        let Proof::Code { step } = found.proof else {
            return Ok(None);
        };
        if !spends {
            return Ok(None);
        }
        let used = (found.member.as_uuid(), step);
        if self.loaded.used_codes.contains(&used) {
            return Err(PostRefusal::CodeUsed);
        }
        Ok(Some(used))
    }

    fn enter(
        &mut self,
        ctx: &Context,
        index: usize,
        item: &PostItem,
        mut state: MemberState,
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
        self.lines.extend(lines_of(decision));
        let number = row.receipt_number.clone();
        self.receipts
            .push((row.business_id, ReceiptKind::Purchase, number, row.id));
        self.announce(ctx, &row);
        let posted = Posted {
            purchase: row.clone(),
            balance,
            measure: decision.measure,
            max_points: decision.max_points,
            unmet: decision.unmet.clone(),
        };
        self.purchases.push(row);
        self.touched.insert(member);
        self.journals.append(&mut state.wallet.changes.journals);
        self.loaded.members.insert(member, state);
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
            });
        visit.visits += 1;
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

fn lines_of(decision: &PurchaseDecision) -> impl Iterator<Item = PurchaseLineRow> + '_ {
    decision
        .explanation
        .lines
        .iter()
        .map(|line| PurchaseLineRow {
            purchase_id: decision.id.as_uuid(),
            line: line.line,
            category: line.category.clone(),
            amount: line.amount.hundredths(),
            paid_by_points: line.paid_by_points.hundredths(),
            points_spent: line.points_spent.hundredths(),
            points_earned: decision
                .explanation
                .accruals
                .iter()
                .filter(|accrual| accrual.line == line.line)
                .map(|accrual| accrual.granted.hundredths())
                .sum(),
        })
}
