//! Carries the plan out through the services, each event at its own moment: the clock of this context is moved by hand
//! from the first day to the last, so that points activate, expire and pay as they would have.
//!
//! Every event can be carried out again without effect (receipts are unique, the rest has idempotency keys), so that a
//! filling that was broken off goes on from the last day that it had finished.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::ids::{HoldId, LocationId, PurchaseId};
use domain::loyalty::basket::{BasketInput, LineInput};
use domain::loyalty::purchase::Spend;
use domain::loyalty::refund::RefundRequest;
use domain::member_code::MemberCode;
use domain::money::{Money, Points};
use domain::phone::{Phone, Region};
use services::caller::{MemberCaller, TillCaller};
use services::context::Context;
use services::idempotency::{Answer, IdempotencyKey};
use services::loyalty::advance_wallets::advance_wallets;
use services::loyalty::holds::{HeldPoints, HoldError, HoldOrder, make_hold, void_hold};
use services::loyalty::post_purchase::{PostPurchaseError, PurchaseRequest, post_items};
use services::loyalty::posting::{PostItem, PostOutcome, PostRefusal, Posted};
use services::loyalty::quote::quote;
use services::loyalty::refund_purchase::{
    RefundOrder, RefundPurchaseError, Refunded, refund_purchase,
};
use services::members::{MemberReference, card};
use uuid::Uuid;

use super::joining::{joined_as, sign_in};
use super::plan::{Event, Pay, Plan, Return, What};
use super::progress::Progress;
use super::record::Record;
use super::setup::Tills;

/// The most purchases that are posted in one transaction.
const GROUP: usize = 100;

/// Fewer points than this, in hundredths, nobody asks to pay with.
const FEW: i64 = 1_000;

/// The filling.
pub(super) struct Fill<'a> {
    ctx: &'a Context,
    plan: &'a Plan,
    tills: Tills,
    zone: Tz,
    callers: BTreeMap<usize, MemberCaller>,
    posted: BTreeMap<usize, PurchaseId>,
    holds: BTreeMap<usize, HoldId>,
    /// Purchases that wait to be posted together.
    group: Vec<(usize, PostItem)>,
}

impl<'a> Fill<'a> {
    /// A filling whose clock is that of `ctx`.
    pub(super) fn new(ctx: &'a Context, plan: &'a Plan, tills: Tills, zone: Tz) -> Self {
        Self {
            ctx,
            plan,
            tills,
            zone,
            callers: BTreeMap::new(),
            posted: BTreeMap::new(),
            holds: BTreeMap::new(),
            group: Vec::new(),
        }
    }

    /// Carries out what is left of the plan and keeps the record.
    ///
    /// # Errors
    /// If a service fails; the record tells from where to go on.
    pub(super) async fn run(&mut self, record: &mut Record, folder: &Path) -> anyhow::Result<()> {
        let mut progress = Progress::new(self.plan.events.len());
        let events = &self.plan.events[record.done.min(self.plan.events.len())..];
        let mut today = None;
        for (done, event) in (record.done..).zip(events) {
            let day = event.at.with_timezone(&self.zone).date_naive();
            if today != Some(day) {
                self.flush(record).await?;
                self.new_day(event.at, day).await?;
                today = Some(day);
                record.done = done;
                record.save(folder)?;
                progress.at(done, day, &record.counts);
            }
            self.carry_out(*event, record)
                .await
                .with_context(|| format!("{:?}", event.what))?;
        }
        self.flush(record).await?;
        record.done = self.plan.events.len();
        record.complete = true;
        record.save(folder)?;
        let last = today.unwrap_or_else(|| record.end.date_naive());
        progress.at(record.done, last, &record.counts);
        progress.end();
        Ok(())
    }

    /// What a night does: points become active and expire, holds lapse.
    async fn new_day(&self, first: DateTime<Utc>, day: NaiveDate) -> anyhow::Result<()> {
        let dawn = domain::loyalty::validity::start_of_day(day, self.zone).unwrap_or(first);
        self.ctx.clock().set(dawn);
        advance_wallets(self.ctx).await?;
        Ok(())
    }

    async fn carry_out(&mut self, event: Event, record: &mut Record) -> anyhow::Result<()> {
        if let What::Purchase(number) = event.what
            && !self.takes_points(number)
        {
            let item = self.item(number, event.at, Spend::Nothing, None)?;
            self.group.push((number, item));
            self.ctx.clock().set(event.at);
            if self.group.len() >= GROUP {
                self.flush(record).await?;
            }
            return Ok(());
        }
        // What comes now may depend on what waits.
        self.flush(record).await?;
        self.ctx.clock().set(event.at);
        match event.what {
            What::Join(person) => self.join(person, record).await,
            What::Hold(number) => self.hold(number, record).await,
            What::Release(number) => self.release(number, record).await,
            What::Purchase(number) => self.purchase_with_points(number, event.at, record).await,
            What::Void(number) => self.refund(number, None, record).await,
            What::Refund(number, back) => self.refund(number, Some(back), record).await,
        }
    }

    /// Whether points take part in this purchase.
    fn takes_points(&self, number: usize) -> bool {
        match self.plan.purchases[number].pay {
            Pay::Money => false,
            Pay::Points(_) => true,
            Pay::Hold(_) => self.holds.contains_key(&number),
        }
    }

    async fn join(&mut self, person: usize, record: &mut Record) -> anyhow::Result<()> {
        let caller = joined_as(self.ctx, &self.plan.people[person]).await?;
        self.callers.insert(person, caller);
        record.counts.joined += 1;
        Ok(())
    }

    /// The rotating code that the person shows at this moment.
    async fn code(&mut self, person: usize) -> anyhow::Result<MemberReference> {
        let caller = match self.callers.get(&person) {
            Some(caller) => *caller,
            None => {
                let caller = sign_in(self.ctx, &self.plan.people[person]).await?;
                self.callers.insert(person, caller);
                caller
            }
        };
        let code = MemberCode::parse(&card(self.ctx, &caller).await?.code)?;
        Ok(MemberReference::Code(code, self.ctx.clock().now()))
    }

    fn till(&self, number: usize) -> &TillCaller {
        &self.tills.callers[self.plan.purchases[number].partner]
    }

    fn request(
        &self,
        number: usize,
        at: DateTime<Utc>,
        spend: Spend,
        member: Option<MemberReference>,
    ) -> anyhow::Result<PurchaseRequest> {
        let purchase = &self.plan.purchases[number];
        let phone = &self.plan.people[purchase.person].phone;
        let lines = purchase.lines.iter().map(|(category, price)| LineInput {
            category: category.map(str::to_owned),
            amount: Money::from_hundredths(*price),
        });
        let place: Option<&LocationId> = self.tills.places[purchase.partner].get(purchase.place);
        Ok(PurchaseRequest {
            business: None,
            location: place.copied(),
            cashier: Some(purchase.cashier.to_owned()),
            receipt_number: format!("{number:06}"),
            member: match member {
                Some(member) => member,
                None => MemberReference::Phone(Phone::parse(phone, Region::RU)?),
            },
            basket: BasketInput::Lines {
                lines: lines.collect(),
                total: Some(Money::from_hundredths(purchase.total())),
            },
            spend,
            occurred_at: Some(at),
        })
    }

    fn item(
        &self,
        number: usize,
        at: DateTime<Utc>,
        spend: Spend,
        member: Option<MemberReference>,
    ) -> anyhow::Result<PostItem> {
        let request = self.request(number, at, spend, member)?;
        Ok(request.into_item(self.till(number), None)?)
    }

    /// Posts the purchases that wait.
    async fn flush(&mut self, record: &mut Record) -> anyhow::Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        let (numbers, items): (Vec<usize>, Vec<PostItem>) = self.group.drain(..).unzip();
        let outcomes = post_items(self.ctx, items).await?;
        for (number, outcome) in numbers.into_iter().zip(outcomes) {
            self.note(number, outcome, record);
        }
        Ok(())
    }

    /// Remembers a purchase: one that was posted in an earlier run is told by its receipt, which is taken.
    fn note(
        &mut self,
        number: usize,
        outcome: Result<PostOutcome, PostRefusal>,
        record: &mut Record,
    ) {
        let id: PurchaseId = match outcome {
            Ok(PostOutcome::Posted(posted, _)) => posted.purchase.id.into(),
            Err(PostRefusal::ReceiptSeen { transaction }) => transaction.into(),
            // Items are purchases and have no key of their own.
            Ok(_) => return,
            Err(refusal) => return refused(&refusal, record),
        };
        self.posted.insert(number, id);
        record.counts.purchases += 1;
    }

    /// How many points may pay for this purchase, of which the person takes so many percent in whole points.
    async fn wanted(&self, number: usize, percent: i64) -> anyhow::Result<Option<Points>> {
        let now = self.ctx.clock().now();
        let request = self.request(number, now, Spend::Nothing, None)?;
        match quote(self.ctx, self.till(number), request).await {
            Ok(Posted { max_points, .. }) => {
                let wanted = max_points.hundredths() * percent / 100 / 100 * 100;
                Ok((wanted >= FEW).then(|| Points::from_hundredths(wanted)))
            }
            Err(PostPurchaseError::Refused(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn purchase_with_points(
        &mut self,
        number: usize,
        at: DateTime<Utc>,
        record: &mut Record,
    ) -> anyhow::Result<()> {
        let person = self.plan.purchases[number].person;
        let (spend, member) = match self.plan.purchases[number].pay {
            Pay::Money => (Spend::Nothing, None),
            Pay::Hold(_) => {
                let hold = self.holds.get(&number);
                (
                    hold.map_or(Spend::Nothing, |id| Spend::Hold(*id, None)),
                    None,
                )
            }
            Pay::Points(percent) => match self.wanted(number, percent).await? {
                Some(points) => (Spend::Points(points), Some(self.code(person).await?)),
                None => (Spend::Nothing, None),
            },
        };
        let item = self.item(number, at, spend, member)?;
        for outcome in post_items(self.ctx, vec![item]).await? {
            self.note(number, outcome, record);
        }
        Ok(())
    }

    async fn hold(&mut self, number: usize, record: &mut Record) -> anyhow::Result<()> {
        let purchase = &self.plan.purchases[number];
        let Pay::Hold(percent) = purchase.pay else {
            return Ok(());
        };
        let person = purchase.person;
        let Some(points) = self.wanted(number, percent).await? else {
            return Ok(());
        };
        let order = HoldOrder {
            business: None,
            reference: format!("order-{number:06}"),
            member: self.code(person).await?,
            points,
            minutes: None,
        };
        let till = self.till(number);
        let key = key(till, "demo.hold", number);
        match make_hold(self.ctx, till, order, key, hold_id).await {
            Ok(answered) => {
                let id = std::str::from_utf8(&answered.answer.body)?.parse::<Uuid>()?;
                self.holds.insert(number, id.into());
                record.counts.holds += 1;
            }
            Err(HoldError::Refused(refusal)) => refused(&refusal, record),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn release(&mut self, number: usize, record: &mut Record) -> anyhow::Result<()> {
        let Some(hold) = self.holds.remove(&number) else {
            return Ok(());
        };
        let till = self.till(number);
        let key = key(till, "demo.release", number);
        match void_hold(self.ctx, till, hold, key, hold_id).await {
            Ok(_) => {}
            Err(HoldError::Refused(refusal)) => refused(&refusal, record),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Gives back what the plan says; all of it, on the same day, when it says nothing.
    async fn refund(
        &mut self,
        number: usize,
        back: Option<Return>,
        record: &mut Record,
    ) -> anyhow::Result<()> {
        let Some(purchase) = self.find(number).await? else {
            return Ok(());
        };
        let order = RefundOrder {
            purchase,
            receipt_number: back.map(|_| format!("R-{number:06}")),
            request: match back {
                None | Some(Return::Everything) => RefundRequest::Everything,
                Some(Return::FirstLine) => RefundRequest::Lines(vec![(1, None)]),
                Some(Return::Amount(amount)) => {
                    RefundRequest::Amount(Money::from_hundredths(amount))
                }
            },
            is_void: back.is_none(),
            reason: if back.is_none() {
                "Ошибка кассира"
            } else {
                "Возврат покупателя"
            }
            .to_owned(),
        };
        let till = self.till(number);
        let key = key(till, "demo.refund", number);
        match refund_purchase(self.ctx, till, order, key, nothing).await {
            Ok(_) if back.is_none() => record.counts.voids += 1,
            Ok(_) => record.counts.refunds += 1,
            Err(RefundPurchaseError::Refused(refusal)) => refused(&refusal, record),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The identifier of a purchase: sent once more, one of an earlier run is told by its receipt, which is taken.
    async fn find(&mut self, number: usize) -> anyhow::Result<Option<PurchaseId>> {
        if let Some(id) = self.posted.get(&number) {
            return Ok(Some(*id));
        }
        let now = self.ctx.clock().now();
        let item = self.item(number, now, Spend::Nothing, None)?;
        let outcomes = post_items(self.ctx, vec![item]).await?;
        Ok(outcomes.into_iter().find_map(|outcome| match outcome {
            Ok(PostOutcome::Posted(posted, _)) => Some(posted.purchase.id.into()),
            Err(PostRefusal::ReceiptSeen { transaction }) => Some(transaction.into()),
            _ => None,
        }))
    }
}

/// The key of an event, the same whenever it is carried out.
fn key(till: &TillCaller, operation: &'static str, number: usize) -> IdempotencyKey {
    IdempotencyKey {
        principal: till.principal_id(),
        operation,
        key: format!("{operation}-{number}"),
        body_sha256: [0; 32],
    }
}

fn hold_id(held: &HeldPoints) -> Answer {
    Answer {
        status: 201,
        location: None,
        body: held.hold.id.to_string().into_bytes(),
    }
}

fn nothing(_: &Refunded) -> Answer {
    Answer {
        status: 201,
        location: None,
        body: Vec::new(),
    }
}

fn refused(why: &dyn std::fmt::Display, record: &mut Record) {
    tracing::debug!(%why, "the rules refused an event");
    record.counts.refused += 1;
}
