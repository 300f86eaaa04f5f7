//! Decides a group's orders one by one over the state that the orders before have left, and remembers what to write.
//! A refusal leaves no trace.

mod hold;
mod limits;
mod purchase;
mod refund;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId};
use domain::loyalty::ledger::Journal;
use domain::loyalty::purchase::MemberState;
use store::kept_answers::{KeptAnswer, KeptContent};
use store::member_progress::VisitChange;
use store::outbox_events::OutboxEvent;
use store::purchases::PurchaseRow;
use store::receipts::ReceiptKind;
use store::refunds::RefundRow;
use store::staff_credits::CreditChanges;
use store::wallets::Counted;
use uuid::Uuid;

use super::counting;
use super::load::Loaded;
use super::write::{Grants, Usage};
use super::{Order, PostOutcome, PostRefusal};
use crate::context::Context;
use crate::idempotency::{Answer, IdempotencyError, IdempotencyKey, Render};
use crate::members::{MemberReference, Proof, ResolvedMember};

/// The state of a group and what is to be written of it.
#[derive(Debug)]
pub(super) struct Book {
    loaded: Loaded,
    now: DateTime<Utc>,
    pub(super) touched: BTreeSet<MemberId>,
    /// What the wallets wrote, kept here so that the state of a member stays small.
    pub(super) journals: Vec<Journal>,
    pub(super) purchases: Vec<PurchaseRow>,
    pub(super) refunds: Vec<RefundRow>,
    pub(super) receipts: Vec<(Uuid, ReceiptKind, String, Uuid)>,
    pub(super) days: BTreeMap<(MemberId, NaiveDate), (i64, i64)>,
    pub(super) visits: BTreeMap<(MemberId, BusinessId), VisitChange>,
    pub(super) credits: CreditChanges,
    pub(super) usage: Usage,
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
            refunds: Vec::new(),
            receipts: Vec::new(),
            days: BTreeMap::new(),
            visits: BTreeMap::new(),
            credits: CreditChanges::new(),
            usage: Usage::new(),
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

    /// The versions that wallets must have when the group is written, if they are not locked.
    pub(super) fn versions(&self) -> Option<&BTreeMap<MemberId, i64>> {
        self.loaded.versions.as_ref()
    }

    /// What counts toward the tier of a member after the group, of whomever it was looked up for.
    pub(super) fn counted(&self, member: MemberId) -> Option<Counted> {
        let before = self.loaded.counted.get(&member)?;
        Some(counting::count_on(*before, member, &self.days))
    }

    /// Decides an order, or gives the answer that it got before under its key.
    pub(super) fn post(
        &mut self,
        ctx: &Context,
        index: usize,
        order: &Order,
    ) -> Result<PostOutcome, PostRefusal> {
        if let Some(key) = order.key()
            && let Some(kept) = self.given_before(index, key)?
        {
            return Ok(PostOutcome::Replayed(self.again(kept, order)?));
        }
        Ok(match order {
            Order::Purchase(item) => {
                let posted = self.decide(ctx, index, item)?;
                let purchase = &posted.purchase;
                let answer = item.idempotency.as_ref().map(|(key, render)| {
                    let answer = render(purchase);
                    self.keep_answer(key.keep_purchase(&answer, purchase.id));
                    answer
                });
                PostOutcome::Posted(Box::new(posted), answer)
            }
            Order::Refund(item) => {
                let refunded = self.refund(ctx, item)?;
                let answer = self.answer(item.idempotency.as_ref(), &refunded);
                PostOutcome::Refunded(Box::new(refunded), answer)
            }
            Order::MakeHold(item) => {
                let held = self.make_hold(ctx, index, item)?;
                let answer = self.answer(item.idempotency.as_ref(), &held);
                PostOutcome::Held(Box::new(held), answer)
            }
            Order::EndHold(item) => {
                let held = self.end_hold(ctx, item)?;
                let answer = self.answer(item.idempotency.as_ref(), &held);
                PostOutcome::Held(Box::new(held), answer)
            }
        })
    }

    /// What is kept under the key of an order; an error if the key can't be used.
    fn given_before(
        &self,
        index: usize,
        key: &IdempotencyKey,
    ) -> Result<Option<&KeptAnswer>, IdempotencyError> {
        if let Some(kept) = self.loaded.kept.get(&key.digest()) {
            key.accept(kept)?;
            return Ok(Some(kept));
        }
        if self.loaded.keys_free.get(index) == Some(&Some(true)) {
            Ok(None)
        } else {
            Err(IdempotencyError::InFlight)
        }
    }

    /// The answer that was given under a key.
    fn again(&self, kept: &KeptAnswer, order: &Order) -> Result<Answer, IdempotencyError> {
        let answer = match kept.content {
            KeptContent::Bytes { .. } => Answer::of_kept(kept.clone()),
            KeptContent::Purchase(id) => {
                let of_group = || self.purchases.iter().find(|row| row.id == id);
                let row = self.loaded.kept_purchases.get(&id).or_else(of_group);
                let render = order.purchase().and_then(|item| item.idempotency.as_ref());
                row.zip(render).map(|(row, (_, render))| render(row))
            }
        };
        answer.ok_or(IdempotencyError::InFlight)
    }

    /// Renders an answer and keeps it, if the order has a key.
    fn answer<T>(
        &mut self,
        idempotency: Option<&(IdempotencyKey, Render<T>)>,
        done: &T,
    ) -> Option<Answer> {
        let (key, render) = idempotency?;
        let answer = render(done);
        self.keep_answer(key.keep(&answer));
        Some(answer)
    }

    fn keep_answer(&mut self, (digest, kept): (Uuid, KeptAnswer)) {
        self.loaded.kept.insert(digest, kept.clone());
        self.answers.push((digest, kept));
    }

    /// The rotating code that an order uses up, if its member was named by one.
    fn code_to_use(&self, found: ResolvedMember) -> Result<Option<(Uuid, i64)>, PostRefusal> {
        let Proof::Code { step } = found.proof else {
            return Ok(None);
        };
        let code = (found.member.as_uuid(), step);
        if self.loaded.used_codes.contains(&code) {
            return Err(PostRefusal::CodeUsed);
        }
        Ok(Some(code))
    }

    fn use_code(&mut self, code: Option<(Uuid, i64)>) {
        self.codes.extend(code);
        self.loaded.used_codes.extend(code);
    }

    /// Takes a receipt for a transaction.
    fn take_receipt(&mut self, receipt: (Uuid, ReceiptKind, String), transaction: Uuid) {
        let (business, kind, number) = receipt.clone();
        self.receipts.push((business, kind, number, transaction));
        self.loaded.receipts.insert(receipt, transaction);
    }

    fn require_unseen(&self, receipt: &(Uuid, ReceiptKind, String)) -> Result<(), PostRefusal> {
        match self.loaded.receipts.get(receipt) {
            Some(transaction) => Err(PostRefusal::ReceiptSeen {
                transaction: *transaction,
            }),
            None => Ok(()),
        }
    }

    /// Makes the state that a decision has led to the member's own.
    fn enter_state(&mut self, mut state: MemberState) {
        let member = state.wallet.member;
        self.touched.insert(member);
        self.journals.append(&mut state.wallet.changes.journals);
        self.loaded.members.insert(member, state);
    }
}
