//! What people do by hand in the random lives of `ledger_properties`: an operator takes, a member gives away.

use domain::loyalty::wallet::Shortfall;
use proptest::prelude::*;

use super::books::{at, funder, points};
use super::ledger_properties::{Answer, Life, agree};

/// Shares are thousandths of the available points.
#[derive(Clone, Copy, Debug)]
pub(super) enum ByHand {
    /// An operator takes; what is missing is owed to this one, if told.
    Take {
        share: i64,
        debt_to: Option<Option<u8>>,
    },
    /// The member gives away.
    GiveAway { share: i64 },
}

pub(super) fn by_hand() -> impl Strategy<Value = ByHand> {
    let share = || prop_oneof![6 => 1_i64..=1_000, 2 => 900_i64..1_500, 1 => Just(0)];
    let debt_to = prop_oneof![
        Just(None),
        (0_u8..4).prop_map(|n| Some((n < 3).then_some(n)))
    ];
    prop_oneof![
        (share(), debt_to).prop_map(|(share, debt_to)| ByHand::Take { share, debt_to }),
        share().prop_map(|share| ByHand::GiveAway { share }),
    ]
}

impl Life {
    pub(super) fn by_hand(&mut self, act: ByHand) -> Answer {
        let (cause, now) = (self.cause(None), at(self.model.now));
        match act {
            ByHand::Take { share, debt_to } => {
                let n = self.share_of_available(share);
                let shortfall = match debt_to {
                    Some(who) => Shortfall::IntoDebt(funder(who)),
                    None => Shortfall::DownToZero,
                };
                let expected = self.model.take_by_hand(n, debt_to);
                let ids = &mut *self.ids;
                let answer = self
                    .wallet
                    .take_by_hand(points(n), shortfall, cause, now, ids);
                agree(answer, expected.map(points))
            }
            ByHand::GiveAway { share } => {
                let n = self.share_of_available(share);
                let expected = self.model.give_away(n);
                let ids = &mut *self.ids;
                let answer = self.wallet.give_away(points(n), cause, now, ids);
                agree(answer, expected.map(|draws| self.books.named(&draws)))
            }
        }
    }
}
