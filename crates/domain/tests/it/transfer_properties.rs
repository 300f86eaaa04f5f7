//! Two random lives beside their models, with points that go from one to the other: both books stay right, and what those
//! who pay for points have issued is the same before and after.

use std::cell::RefCell;
use std::rc::Rc;

use domain::ids::TransferId;
use domain::loyalty::transfer;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use uuid::Uuid;

use super::books::{Checked, at, counting_ids, points};
use super::ledger_properties::{Life, Step, is_fair, share_of, step};
use super::reference::LotFacts;

/// A step of the first or the second life, or points from one to the other.
#[derive(Clone, Debug)]
enum Joint {
    Own { second: bool, step: Step },
    Transfer { back: bool, share: i64 },
}

fn joint() -> impl Strategy<Value = Joint> {
    prop_oneof![
        3 => (any::<bool>(), step()).prop_map(|(second, step)| Joint::Own { second, step }),
        2 => (any::<bool>(), prop_oneof![8 => 1_i64..=1_000, 1 => 0_i64..1_300])
            .prop_map(|(back, share)| Joint::Transfer { back, share }),
    ]
}

/// Brings both lives to the later of their moments.
fn meet(one: &mut Life, other: &mut Life) -> Checked {
    let now = one.model.now.max(other.model.now);
    for life in [one, other] {
        life.model.pass_to(now);
        life.wallet.advance(at(now), &mut *life.ids)?;
        life.settle()?;
    }
    Ok(())
}

fn pass_on(id: u128, from: &mut Life, to: &mut Life, share: i64) -> Checked {
    meet(from, to)?;
    let now = from.model.now;
    let n = share_of(from.wallet.available.hundredths(), share);
    let expected = from.model.give_away(n);
    let (mut giver, mut taker) = (from.wallet.clone(), to.wallet.clone());
    let id = TransferId::from(Uuid::from_u128(id));
    let ids = &mut *from.ids;
    let answer = transfer::carry_out(id, &mut giver, &mut taker, points(n), at(now), ids);
    match (answer, expected) {
        (Err(error), None) => {
            prop_assert!(is_fair(error), "{:?}", error);
            return Ok(());
        }
        (Ok(parts), Some(draws)) => {
            let drawn: Vec<_> = parts
                .iter()
                .map(|part| (part.from_lot, part.points))
                .collect();
            let named = from.books.named(&draws);
            let named: Vec<_> = named.iter().map(|draw| (draw.lot, draw.points)).collect();
            prop_assert_eq!(drawn, named);
            to.books
                .lot_ids
                .extend(parts.iter().map(|part| part.to_lot));
            let facts = |(lot, points): &(usize, i64)| LotFacts {
                points: *points,
                ..from.model.lots[*lot].clone()
            };
            to.model.accrue(draws.iter().map(facts).collect());
            to.asked.resize(to.model.lots.len(), 0);
        }
        (answer, expected) => {
            return Err(TestCaseError::fail(format!("{answer:?}, not {expected:?}")));
        }
    }
    (from.wallet, to.wallet) = (giver, taker);
    from.settle()?;
    to.settle()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn what_one_gives_the_other_gets(
        steps in prop::collection::vec(joint(), 1..40),
        forgets in any::<bool>(),
    ) {
        let next = Rc::new(RefCell::new(counting_ids(1_000_000)));
        let life = || {
            let next = Rc::clone(&next);
            Life::with_ids(1, forgets, Box::new(move || (next.borrow_mut())()))
        };
        let (mut one, mut other) = (life(), life());
        for (n, step) in (1_u128..).zip(&steps) {
            match step {
                Joint::Own { second: false, step } => one.take(step)?,
                Joint::Own { second: true, step } => other.take(step)?,
                Joint::Transfer { back: false, share } => pass_on(n, &mut one, &mut other, *share)?,
                Joint::Transfer { back: true, share } => pass_on(n, &mut other, &mut one, *share)?,
            }
        }
    }
}
