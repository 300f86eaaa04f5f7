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
    /// How many members of each block have joined.
    joined_in_block: u32,
    by_block: Zipf,
    by_business: Zipf,
}

impl Population {
    /// A population of about so many members, a whole number of blocks, of whom about so many join.
    pub(crate) fn new(members: u32, businesses: u32, joined: u32) -> Self {
        let blocks = members.div_ceil(MEMBERS_IN_BLOCK).max(1);
        Self {
            blocks,
            businesses,
            joined_in_block: (joined / blocks).clamp(1, MEMBERS_IN_BLOCK),
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

    /// How many members join: as many of each block.
    pub(crate) fn joined_members(&self) -> u32 {
        self.blocks * self.joined_in_block
    }

    /// The member who joined as this one, from 0.
    pub(crate) fn joined(&self, place: usize) -> usize {
        let in_block = usize::try_from(MEMBERS_IN_BLOCK).unwrap_or(1);
        let joined = usize::try_from(self.joined_in_block).unwrap_or(1);
        (place / joined) * in_block + (place % joined) * (in_block / joined)
    }

    /// The member who spends lots that are laid in, by turns. These members are of the rarest blocks, and stay in the
    /// lowest tier, so that their lots are of one size.
    pub(crate) fn redeemer(&self, turn: usize) -> usize {
        let (first, joined) = (self.first_redeemer(), self.joined_count());
        self.joined(first + turn % joined.saturating_sub(first).max(1))
    }

    /// A member who has a stock of points to spend, drawn as members are.
    pub(crate) fn draw_spender(&self, random: &mut Random) -> usize {
        self.joined(self.draw_joined(random) % self.first_redeemer().max(1))
    }

    /// All who have a stock of points to spend.
    pub(crate) fn spenders(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.first_redeemer()).map(|place| self.joined(place))
    }

    fn joined_count(&self) -> usize {
        usize::try_from(self.joined_members()).unwrap_or(0)
    }

    fn first_redeemer(&self) -> usize {
        self.joined_count() / 4 * 3
    }

    /// A place among those who joined, drawn as members are.
    pub(crate) fn draw_joined(&self, random: &mut Random) -> usize {
        let joined = usize::try_from(self.joined_in_block).unwrap_or(1);
        self.by_block.draw(random) * joined + random.index(joined)
    }

    /// The member of that number, or one that exists instead.
    pub(crate) fn existing(&self, member: usize) -> usize {
        member % usize::try_from(self.members()).unwrap_or(1)
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

/// A bill that points of three lots pay a part of: from 100 to 200 roubles, in kopecks.
pub(crate) fn small_total(random: &mut Random) -> usize {
    10_000 + random.index(10_001)
}

#[cfg(test)]
mod tests {
    use domain::phone::{Phone, Region};

    use super::*;

    #[test]
    fn draws_stay_within_the_population() {
        let population = Population::new(950, 3, 40);
        assert_eq!(population.members(), 1_000);
        assert_eq!(population.joined_members(), 40);
        let mut random = Random::new(3);
        for _ in 0..10_000 {
            assert!(population.member(&mut random) < 1_000);
            assert!(population.business(&mut random) < 3);
            assert!(population.draw_joined(&mut random) < 40);
            assert!((10_000..=500_000).contains(&total(&mut random)));
        }
    }

    #[test]
    fn those_who_join_are_of_every_block_and_each_is_another() {
        let population = Population::new(1_000, 3, 40);
        let joined: std::collections::BTreeSet<usize> =
            (0..40).map(|place| population.joined(place)).collect();
        assert_eq!(joined.len(), 40);
        for block in 0..10 {
            let of_block = joined.range(block * 100..(block + 1) * 100);
            assert_eq!(of_block.count(), 4);
        }
    }

    #[test]
    fn who_spends_a_stock_has_no_lots_laid_in() {
        let population = Population::new(1_000, 3, 40);
        let spenders: std::collections::BTreeSet<usize> = population.spenders().collect();
        assert_eq!(spenders.len(), 30);
        let mut random = Random::new(4);
        for turn in 0..100 {
            assert!(!spenders.contains(&population.redeemer(turn)));
            assert!(spenders.contains(&population.draw_spender(&mut random)));
        }
        assert_ne!(population.redeemer(0), population.redeemer(1));
        assert_eq!(population.redeemer(0), population.redeemer(10));
    }

    #[test]
    fn everybody_has_a_mobile_phone() {
        for member in [0, 1, 99_999, 199_999] {
            let phone = Phone::parse(&phone(member), Region::RU).expect("a phone");
            assert!(phone.is_mobile(), "{member}");
        }
    }
}
