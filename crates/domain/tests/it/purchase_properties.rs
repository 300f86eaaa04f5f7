//! Random lives of a member through `purchase::decide` and `refund::decide`; see `town` for what is checked.

use proptest::prelude::*;

use super::purchase_oracle::DAY;
use super::purchase_steps::{step, world};
use super::town::Town;

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn purchases_and_refunds_do_as_the_product_says(
        world in world(),
        steps in prop::collection::vec(step(), 1..16),
    ) {
        let mut town = Town::new(world);
        for step in &steps {
            town.take(step)?;
        }
        town.pass(400 * DAY)?;
    }
}
