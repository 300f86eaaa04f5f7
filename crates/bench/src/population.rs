//! Who buys where: a few members and businesses make much of the traffic. The scripts of pgbench draw the same way.

use crate::random::Random;
use crate::zipf::Zipf;

/// Members are drawn by block and then evenly within it.
pub(crate) const MEMBERS_IN_BLOCK: u32 = 100;

/// How unevenly blocks of members are drawn; pgbench knows no smaller exponent.
pub(crate) const MEMBER_EXPONENT: f64 = 1.001;

/// How unevenly businesses are drawn.
pub(crate) const BUSINESS_EXPONENT: f64 = 1.2;

/// The phone before the first member's; these numbers are nobody's.
const BEFORE_FIRST_PHONE: u64 = 79_990_000_999;

/// The sizes, and the ways to draw.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    /// How many blocks of members there are.
    pub(crate) blocks: u32,
    /// How many businesses there are.
    pub(crate) businesses: u32,
    by_block: Zipf,
    by_business: Zipf,
}

impl Population {
    /// A population of about so many members, a whole number of blocks.
    pub(crate) fn new(members: u32, businesses: u32) -> Self {
        let blocks = members.div_ceil(MEMBERS_IN_BLOCK).max(1);
        Self {
            blocks,
            businesses,
            by_block: Zipf::new(blocks, MEMBER_EXPONENT),
            by_business: Zipf::new(businesses.max(1), BUSINESS_EXPONENT),
        }
    }

    /// How many members there are.
    pub(crate) fn members(&self) -> u32 {
        self.blocks * MEMBERS_IN_BLOCK
    }

    /// A member, from 0.
    pub(crate) fn member(&self, random: &mut Random) -> usize {
        let in_block = usize::try_from(MEMBERS_IN_BLOCK).unwrap_or(1);
        self.by_block.draw(random) * in_block + random.index(in_block)
    }

    /// A business, from 0.
    pub(crate) fn business(&self, random: &mut Random) -> usize {
        self.by_business.draw(random)
    }
}

/// The phone of a member.
pub(crate) fn phone(member: usize) -> String {
    let number = u64::try_from(member).unwrap_or(0) + BEFORE_FIRST_PHONE + 1;
    format!("+{number}")
}

/// A bill from 100 to 5,000 roubles, in kopecks.
pub(crate) fn total(random: &mut Random) -> usize {
    10_000 + random.index(490_001)
}

#[cfg(test)]
mod tests {
    use domain::phone::{Phone, Region};

    use super::*;

    #[test]
    fn draws_stay_within_the_population() {
        let population = Population::new(950, 3);
        assert_eq!(population.members(), 1_000);
        let mut random = Random::new(3);
        for _ in 0..10_000 {
            assert!(population.member(&mut random) < 1_000);
            assert!(population.business(&mut random) < 3);
            assert!((10_000..=500_000).contains(&total(&mut random)));
        }
    }

    #[test]
    fn everybody_has_a_mobile_phone() {
        for member in [0, 1, 99_999, 199_999] {
            let phone = Phone::parse(&phone(member), Region::RU).expect("a phone");
            assert!(phone.is_mobile(), "{member}");
        }
    }
}
