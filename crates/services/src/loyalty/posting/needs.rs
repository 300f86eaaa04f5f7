//! Whose lots and holds a group needs, and how many of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::ids::{LotId, MemberId};
use domain::loyalty::explanation::Explanation;
use domain::loyalty::lot::Lot;
use domain::loyalty::purchase::Spend;
use domain::money::Points;
use store::posting::look::FIRST_LOTS;
use store::posting::named::Named;
use uuid::Uuid;

use super::resolve::Members;
use super::{Order, PostItem};
use crate::loyalty::wallets::Needs;

/// Whose lots are needed, and how many of them.
#[derive(Debug, Default)]
pub(super) struct LotNeeds {
    /// All of them, because something is due.
    pub(super) all: BTreeSet<MemberId>,
    /// Enough to pay so many points.
    pub(super) pay: BTreeMap<MemberId, Points>,
    /// All of them, and holds as well.
    pub(super) with_holds: Needs,
}

impl LotNeeds {
    pub(super) fn of(
        orders: &[Order],
        named: &Named,
        members: &Members,
        now: DateTime<Utc>,
    ) -> Self {
        let mut needs = Self::default();
        for (order, found) in orders.iter().zip(&members.of_orders) {
            if let Ok(found) = found {
                needs.add(order, named, found.member);
            }
        }
        for (member, row) in &members.wallets {
            let due = row.wallet.next_change_at.is_some_and(|at| at <= now);
            if due && row.wallet.held.is_positive() {
                needs.with_holds.lots_of.insert(*member);
            } else if due {
                needs.all.insert(*member);
            }
        }
        needs
            .all
            .retain(|member| !needs.with_holds.lots_of.contains(member));
        let (all, with_holds) = (&needs.all, &needs.with_holds.lots_of);
        needs
            .pay
            .retain(|member, _| !all.contains(member) && !with_holds.contains(member));
        needs
    }

    fn add(&mut self, order: &Order, named: &Named, member: MemberId) {
        match order {
            Order::Purchase(item) => self.add_purchase(item, member),
            Order::MakeHold(item) => {
                self.add_payment(member, item.points);
                let reference = (item.business, item.reference.clone());
                self.with_holds.references.insert(reference);
            }
            Order::Refund(item) => {
                let purchase = item.purchase.as_uuid();
                if let Some(sold) = named.purchases.get(&purchase) {
                    self.with_holds.lots_of.insert(member);
                    self.with_holds.lots.extend(lots_of(&sold.explanation));
                    self.with_holds.refunds_of.insert(purchase);
                }
            }
            Order::EndHold(item) => {
                self.with_holds.lots_of.insert(member);
                self.with_holds.holds.insert(item.hold);
            }
        }
    }

    fn add_purchase(&mut self, item: &PostItem, member: MemberId) {
        match item.spend {
            Spend::Nothing => {}
            Spend::Points(points) => self.add_payment(member, points),
            Spend::Hold(hold, _) => {
                self.with_holds.lots_of.insert(member);
                self.with_holds.holds.insert(hold);
            }
        }
    }

    fn add_payment(&mut self, member: MemberId, points: Points) {
        let sum = self.pay.entry(member).or_default();
        *sum = sum
            .plus(points.max(Points::ZERO))
            .unwrap_or(Points::from_hundredths(i64::MAX));
    }

    /// Puts the lots into the wallets; says whose first lots do not pay enough, though there may be others.
    pub(super) fn fill(&self, members: &mut Members, lots: &[Lot]) -> Vec<Uuid> {
        for lot in lots {
            if let Some(row) = members.wallets.get_mut(&lot.member) {
                row.wallet.lots.insert(lot.id, lot.clone());
            }
        }
        let mut short = Vec::new();
        for (member, points) in &self.pay {
            let Some(row) = members.wallets.get_mut(member) else {
                continue;
            };
            let sum = Points::sum(row.wallet.lots.values().map(|lot| lot.remaining));
            let covered = sum.is_ok_and(|sum| sum >= *points);
            row.wallet.lots_loaded = true;
            if row.wallet.lots.len() >= FIRST_LOTS && !covered {
                short.push(member.as_uuid());
            }
        }
        for member in &self.all {
            if let Some(row) = members.wallets.get_mut(member) {
                row.wallet.lots_loaded = true;
            }
        }
        short
    }
}

/// The lots that a purchase made and those that paid for it.
fn lots_of(explanation: &Explanation) -> impl Iterator<Item = LotId> {
    let earned = explanation.lots.iter().map(|lot| lot.lot);
    earned.chain(explanation.spent.iter().map(|draw| draw.lot))
}
