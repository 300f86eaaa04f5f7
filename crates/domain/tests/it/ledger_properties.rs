//! Random lives of one wallet beside the reference model: giving, spending, holding, taking back, time passing.
//! After each step the entries, the balances and the lots must agree; what is refused must change nothing.

use std::collections::BTreeMap;

use chrono::Duration;
use domain::ids::{HoldId, LotId};
use domain::loyalty::ledger::{Cause, JournalKind};
use domain::loyalty::lot::{Lot, LotOrigin};
use domain::loyalty::wallet::{Hold, HoldStatus, Wallet, WalletError};
use domain::money::Points;
use domain::programme::ClawbackPolicy;
use proptest::prelude::*;
use uuid::Uuid;

use super::books::{Books, Checked, at, business, counting_ids, funder, member, points};
use super::hand_steps::{ByHand, by_hand};
use super::reference::{LotFacts, Model};

const HOUR: i64 = 3_600;
const START: i64 = 1_767_571_200;

#[derive(Clone, Copy, Debug)]
pub(super) struct Gift {
    points: i64,
    earned_hours_ago: i64,
    delay_hours: i64,
    valid_hours: Option<i64>,
    funder: Option<u8>,
}

/// One step. Shares are thousandths of what there is (of the available points, of a hold, of a lot, of a spend).
#[derive(Clone, Debug)]
pub(super) enum Step {
    Pass {
        hours: i64,
    },
    Give {
        gifts: Vec<Gift>,
        by_hand: bool,
    },
    Spend {
        share: i64,
        business: u8,
    },
    Hold {
        share: i64,
        business: u8,
        hours: i64,
    },
    Capture {
        which: usize,
        share: i64,
    },
    Void {
        which: usize,
    },
    ClawBack {
        asks: Vec<(usize, i64)>,
        policy: ClawbackPolicy,
    },
    Restore {
        which: usize,
        share: i64,
        grace_hours: i64,
    },
    ByHand(ByHand),
}

fn gift() -> impl Strategy<Value = Gift> {
    let valid = prop_oneof![1 => Just(None), 4 => (1_i64..10).prop_map(|n| Some(n * 24))];
    let funder = prop_oneof![Just(None), (0_u8..3).prop_map(Some)];
    let delay = prop_oneof![3 => Just(0), 2 => 1_i64..100];
    let earned = prop_oneof![4 => Just(0), 1 => 0_i64..300];
    (0_i64..1_000, earned, delay, valid, funder).prop_map(
        |(points, earned_hours_ago, delay_hours, valid_hours, funder)| Gift {
            points,
            earned_hours_ago,
            delay_hours,
            valid_hours,
            funder,
        },
    )
}

pub fn any_policy() -> impl Strategy<Value = ClawbackPolicy> {
    prop_oneof![
        1 => Just(ClawbackPolicy::PendingOnly),
        1 => Just(ClawbackPolicy::DownToZero),
        3 => Just(ClawbackPolicy::IntoDebt),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let share = || prop_oneof![8 => 1_i64..=1_000, 1 => Just(1_000), 1 => 0_i64..=1_200];
    let (which, shop) = (|| 0_usize..40, || 0_u8..3);
    prop_oneof![
        4 => (0_i64..120).prop_map(|hours| Step::Pass { hours }),
        5 => (prop::collection::vec(gift(), 1..4), any::<bool>())
            .prop_map(|(gifts, by_hand)| Step::Give { gifts, by_hand }),
        4 => (share(), shop()).prop_map(|(share, business)| Step::Spend { share, business }),
        3 => (share(), shop(), 0_i64..60)
            .prop_map(|(share, business, hours)| Step::Hold { share, business, hours }),
        2 => (which(), share()).prop_map(|(which, share)| Step::Capture { which, share }),
        1 => which().prop_map(|which| Step::Void { which }),
        3 => (prop::collection::vec((which(), share()), 1..4), any_policy())
            .prop_map(|(asks, policy)| Step::ClawBack { asks, policy }),
        3 => (which(), share(), 1_i64..100)
            .prop_map(|(which, share, grace_hours)| Step::Restore { which, share, grace_hours }),
        2 => by_hand().prop_map(Step::ByHand),
    ]
}

/// A wallet and the model of it, side by side.
pub(super) struct Life {
    pub(super) wallet: Wallet,
    pub(super) model: Model,
    pub(super) books: Books,
    pub(super) ids: Box<dyn FnMut() -> Uuid>,
    /// What refunds have asked back of each lot.
    pub(super) asked: Vec<i64>,
    /// Each small amount is multiplied by it, so that large ones are tried too.
    scale: i64,
    /// Whether the wallet forgets closed lots and ended holds after each step, as one read from the store does.
    forgets: bool,
    forgotten: BTreeMap<LotId, Lot>,
}

/// What the wallet answered, and whether the model agrees to it.
pub(super) type Answer = Result<bool, WalletError>;

impl Life {
    fn new(scale: i64, forgets: bool) -> Self {
        Self::with_ids(scale, forgets, Box::new(counting_ids(1_000_000)))
    }

    pub(super) fn with_ids(scale: i64, forgets: bool, ids: Box<dyn FnMut() -> Uuid>) -> Self {
        Self {
            wallet: Wallet::empty(member()),
            model: Model {
                now: START,
                ..Model::default()
            },
            books: Books::default(),
            ids,
            asked: Vec::new(),
            scale,
            forgets,
            forgotten: BTreeMap::new(),
        }
    }

    pub(super) fn cause(&self, shop: Option<u8>) -> Cause {
        Cause {
            business: shop.map(business),
            source: None,
            occurred_at: at(self.model.now),
        }
    }

    /// A share of the available points; refusals are tried by asking for more than the whole or for nothing.
    pub(super) fn share_of_available(&self, share: i64) -> i64 {
        share_of(self.wallet.available.hundredths(), share)
    }

    pub(super) fn take(&mut self, step: &Step) -> Checked {
        if let Step::Pass { hours } = step {
            self.model
                .pass_to(self.model.now + hours * HOUR + hours % 7);
        }
        let now = at(self.model.now);
        self.wallet.advance(now, &mut *self.ids)?;
        self.settle()?;
        let before = self.wallet.clone();
        let answer = self.act(step);
        match &answer {
            Ok(agreed) => prop_assert!(agreed, "the model answers otherwise to {:?}", step),
            Err(error) => {
                prop_assert!(is_fair(*error), "{:?} to {:?}", error, step);
                prop_assert_eq!(&self.wallet, &before, "refused, yet changed");
            }
        }
        self.settle()
    }

    fn act(&mut self, step: &Step) -> Answer {
        match step {
            Step::Pass { .. } => Ok(true),
            Step::Give { gifts, by_hand } => self.give(gifts, *by_hand),
            Step::Spend {
                share,
                business: shop,
            } => {
                let (n, cause) = (self.share_of_available(*share), self.cause(Some(*shop)));
                let now = at(self.model.now);
                let expected = self.model.spend(n, *shop);
                let answer =
                    self.wallet
                        .spend(points(n), business(*shop), cause, now, &mut *self.ids);
                agree(answer, expected.map(|draws| self.books.named(&draws)))
            }
            Step::ByHand(act) => self.by_hand(*act),
            Step::Hold {
                share,
                business,
                hours,
            } => self.hold(*share, *business, *hours),
            Step::Capture { which, share } => self.capture(*which, *share),
            Step::Void { which } => {
                let Some(hold) = pick(*which, self.model.holds.len()) else {
                    return Ok(true);
                };
                let expected = self.model.void(hold).then_some(());
                let now = at(self.model.now);
                agree(
                    self.wallet.void_hold(hold_id(hold), now, &mut *self.ids),
                    expected,
                )
            }
            Step::ClawBack { asks, policy } => self.claw_back(asks, *policy),
            Step::Restore {
                which,
                share,
                grace_hours,
            } => self.restore(*which, *share, *grace_hours),
        }
    }

    fn give(&mut self, gifts: &[Gift], by_hand: bool) -> Answer {
        let mut facts = Vec::new();
        let mut lots = Vec::new();
        for gift in gifts {
            let earned = self.model.now - gift.earned_hours_ago * HOUR;
            let activates = earned + gift.delay_hours * HOUR;
            facts.push(LotFacts {
                funder: gift.funder,
                points: gift.points * self.scale,
                earned,
                activates,
                expires: gift.valid_hours.map(|hours| activates + hours * HOUR),
            });
            let id = LotId::from((self.ids)());
            lots.push(lot_of(id, &facts[facts.len() - 1]));
        }
        let new_ids: Vec<LotId> = lots.iter().map(|lot| lot.id).collect();
        let kind = if by_hand {
            JournalKind::Adjustment
        } else {
            JournalKind::Accrual
        };
        let (cause, now) = (self.cause(Some(0)), at(self.model.now));
        let answer = self.wallet.accrue(kind, lots, cause, now, &mut *self.ids);
        let expected = gifts.iter().all(|gift| gift.points > 0).then_some(());
        if expected.is_some() {
            self.model.accrue(facts);
            self.asked.resize(self.model.lots.len(), 0);
            self.books.lot_ids.extend(new_ids);
        }
        agree(answer, expected)
    }

    fn hold(&mut self, share: i64, shop: u8, hours: i64) -> Answer {
        let n = self.share_of_available(share);
        let (now, until) = (at(self.model.now), self.model.now + hours * HOUR);
        let id = hold_id(self.model.holds.len());
        let expected = self.model.hold(n, shop, until).then_some(());
        let hold = Hold {
            id,
            business: business(shop),
            reference: id.to_string(),
            status: HoldStatus::Active,
            amount: points(n),
            captured: Points::ZERO,
            purchase: None,
            expires_at: at(until),
            created_at: now,
            draws: Vec::new(),
        };
        let answer = agree(self.wallet.hold(hold, now, &mut *self.ids), expected);
        // A hold of no time lapses at once.
        self.model.pass_to(self.model.now);
        self.wallet.advance(now, &mut *self.ids)?;
        answer
    }

    fn capture(&mut self, which: usize, share: i64) -> Answer {
        let Some(hold) = pick(which, self.model.holds.len()) else {
            return Ok(true);
        };
        let whole: i64 = self.model.holds[hold].2.iter().map(|draw| draw.1).sum();
        let n = share_of(whole, share);
        let expected = self.model.capture(hold, n);
        let now = at(self.model.now);
        let answer = self
            .wallet
            .capture(hold_id(hold), points(n), None, now, &mut *self.ids);
        agree(answer, expected.map(|draws| self.books.named(&draws)))
    }

    /// Asks back no more of a lot than it gave, as refunds do.
    fn claw_back(&mut self, asks: &[(usize, i64)], policy: ClawbackPolicy) -> Answer {
        let mut takes: BTreeMap<usize, i64> = BTreeMap::new();
        for (which, share) in asks {
            let Some(lot) = pick(*which, self.model.lots.len()) else {
                return Ok(true);
            };
            let left = self.model.lots[lot].points - self.asked[lot];
            takes.insert(lot, share_of(left, *share).min(left));
        }
        for (lot, n) in &takes {
            self.asked[*lot] += n;
        }
        let takes: Vec<(usize, i64)> = takes.into_iter().collect();
        self.remember();
        let debt = self.model.debt;
        self.model.claw_back(&takes, policy);
        let (cause, now) = (self.cause(Some(0)), at(self.model.now));
        let named = self.books.named(&takes);
        let clawback = self
            .wallet
            .claw_back(&named, policy, cause, now, &mut *self.ids)?;
        let adds_up = clawback.lots.iter().all(|part| {
            let parts = [
                part.from_pending,
                part.from_available,
                part.from_expired,
                part.from_other_lots,
                part.debt,
                part.forgiven,
            ];
            Points::sum(parts) == Ok(part.asked)
        });
        Ok(adds_up && clawback.debt()?.hundredths() == self.model.debt - debt)
    }

    fn restore(&mut self, which: usize, share: i64, grace_hours: i64) -> Answer {
        let Some(spend) = pick(which, self.model.spends.len()) else {
            return Ok(true);
        };
        let state = super::reference::State::Spent(spend);
        let n = share_of(self.model.in_state(state), share.min(1_000));
        let grace = self.model.now + grace_hours * HOUR;
        self.remember();
        let shop = self.model.spends[spend].0;
        let back = self.model.restore(spend, n, grace);
        let (cause, now) = (self.cause(Some(shop)), at(self.model.now));
        let named = self.books.named(&back);
        let ids = &mut *self.ids;
        self.wallet
            .restore(&named, business(shop), Some(at(grace)), cause, now, ids)?;
        Ok(true)
    }

    /// A refund loads closed lots too.
    pub(super) fn remember(&mut self) {
        self.wallet.lots.append(&mut self.forgotten);
    }

    /// Stores the changes and compares everything.
    pub(super) fn settle(&mut self) -> Checked {
        let changes = std::mem::take(&mut self.wallet.changes);
        self.books
            .absorb(&changes.journals, &self.wallet, self.model.now)?;
        let changed = changes.new_lots.iter().chain(&changes.changed_lots);
        prop_assert!(
            changed
                .into_iter()
                .all(|lot| self.wallet.lots.contains_key(lot))
        );
        if self.forgets {
            let holds = &mut self.wallet.holds;
            holds.retain(|_, hold| hold.status == HoldStatus::Active);
            let drawn: Vec<LotId> = holds
                .values()
                .flat_map(|h| &h.draws)
                .map(|d| d.lot)
                .collect();
            let lots = std::mem::take(&mut self.wallet.lots);
            let (kept, closed) = lots
                .into_iter()
                .partition(|(id, lot)| lot.remaining.is_positive() || drawn.contains(id));
            self.wallet.lots = kept;
            self.forgotten.extend::<BTreeMap<_, _>>(closed);
        }
        self.books.check_balances(&self.wallet, &self.model)?;
        self.books.check_partners(&self.model)?;
        self.books.check_lots(&self.wallet, &self.model)?;
        self.books.check_holds(&self.wallet)
    }
}

pub(super) fn share_of(whole: i64, share: i64) -> i64 {
    i64::try_from(i128::from(whole) * i128::from(share) / 1_000).expect("a small amount")
}

fn pick(which: usize, of: usize) -> Option<usize> {
    which.checked_rem(of)
}

fn hold_id(place: usize) -> HoldId {
    HoldId::from(Uuid::from_u128(0xf00_0000 + place as u128))
}

fn lot_of(id: LotId, facts: &LotFacts) -> Lot {
    Lot {
        id,
        member: member(),
        origin: LotOrigin::Purchase,
        origin_id: None,
        funder: funder(facts.funder),
        earned_at: at(facts.earned),
        activates_at: at(facts.activates),
        expires_at: facts.expires.map(at),
        amount: points(facts.points),
        remaining: Points::ZERO,
        expired: Points::ZERO,
        pending: false,
    }
}

/// Errors that a caller can cause; the others are mistakes of ours.
pub(super) fn is_fair(error: WalletError) -> bool {
    matches!(
        error,
        WalletError::NotEnoughPoints { .. }
            | WalletError::NotPositive
            | WalletError::HoldNotActive
            | WalletError::OverHold
    )
}

/// An answer must be the model's; a refusal only where the model refuses.
pub(super) fn agree<T: PartialEq>(answer: Result<T, WalletError>, expected: Option<T>) -> Answer {
    match (answer, expected) {
        (Ok(answer), Some(expected)) => Ok(answer == expected),
        (Err(error), None) => Err(error),
        (Ok(_), None) | (Err(_), Some(_)) => Ok(false),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn a_wallet_lives_as_the_reference_says(
        steps in prop::collection::vec(step(), 1..40),
        scale in prop_oneof![Just(1), Just(100), Just(70_000_000_000_000)],
        forgets in any::<bool>(),
    ) {
        let mut life = Life::new(scale, forgets);
        for step in &steps {
            life.take(step)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Nothing depends on whether a nightly job has run: time may be told often, or once and late.
    #[test]
    fn time_told_often_or_late_is_the_same(
        steps in prop::collection::vec(step(), 1..25),
        hours in prop::collection::vec(1_i64..100, 1..12),
    ) {
        let mut life = Life::new(1, false);
        for step in &steps {
            life.take(step)?;
        }
        let (mut often, mut now) = (life.wallet.clone(), at(life.model.now));
        for hours in hours {
            now += Duration::hours(hours);
            often.advance(now, &mut *life.ids)?;
        }
        let mut late = life.wallet.clone();
        late.advance(now, &mut *life.ids)?;
        prop_assert_eq!(
            (often.available, often.pending, often.held, often.debt),
            (late.available, late.pending, late.held, late.debt)
        );
        prop_assert_eq!(&often.lots, &late.lots);
        prop_assert_eq!(&often.holds, &late.holds);
        let again = late.clone();
        late.advance(now, &mut *life.ids)?;
        prop_assert_eq!(again, late, "telling the same time twice changes nothing");
    }
}
