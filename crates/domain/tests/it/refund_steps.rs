//! Refunds in any number of steps end exactly where one full refund does.

use domain::ids::RefundId;
use domain::loyalty::refund::{self, RefundRequest};
use domain::loyalty::wallet::Wallet;
use domain::programme::ClawbackPolicy;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::books::at;
use super::purchase_steps::{Return, Step, purchase, some_return, step, world};
use super::sale::{Sale, left_of, request_of};
use super::town::Town;

/// Refunds a sale by these requests, as far as they are possible, and then whatever is left.
fn refund_all(
    town: &mut Town,
    sale: usize,
    by: &[Return],
) -> Result<(Wallet, Sale), TestCaseError> {
    let (mut wallet, mut sale) = (town.state.wallet.clone(), town.sales[sale].clone());
    let settings = &town.world.settings;
    for what in by.iter().chain([&Return::Everything]) {
        let request = request_of(&sale.posted, what);
        let asked = (RefundId::from((town.ids)()), &request, false);
        let mut after = wallet.clone();
        let decided = refund::decide(
            settings,
            &sale.posted,
            &mut after,
            asked,
            at(town.now),
            &mut *town.ids,
        );
        if let Ok(decision) = decided {
            wallet = after;
            sale.follow(&decision, settings.tier_measure)?;
        } else {
            let left = sale.posted.lines.iter().any(|line| left_of(line) > 0);
            prop_assert!(request != RefundRequest::Everything || !left);
        }
    }
    prop_assert!(sale.posted.lines.iter().all(|line| left_of(line) == 0));
    Ok((wallet, sale))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn many_refunds_end_as_one(
        world in world(),
        before in prop::collection::vec(step(), 0..8),
        bought in purchase(),
        after in prop::collection::vec(step(), 0..5),
        by in prop::collection::vec(some_return(), 1..6),
        which in any::<prop::sample::Index>(),
    ) {
        let mut town = Town::new(world);
        for step in before.iter().chain([&Step::Buy(bought)]).chain(&after) {
            town.take(step)?;
        }
        let fresh: Vec<usize> = (0..town.sales.len()).filter(|n| !town.sales[*n].posted.has_refunds).collect();
        prop_assume!(!fresh.is_empty());
        let sale = fresh[which.index(fresh.len())];
        let (at_once, _) = refund_all(&mut town, sale, &[])?;
        let (in_steps, _) = refund_all(&mut town, sale, &by)?;
        // How far a refund goes that may not make debt depends on what is there at the time.
        if town.world.settings.clawback == ClawbackPolicy::IntoDebt {
            prop_assert_eq!(
                (at_once.available, at_once.pending, at_once.held, at_once.debt),
                (in_steps.available, in_steps.pending, in_steps.held, in_steps.debt)
            );
        }
    }
}
