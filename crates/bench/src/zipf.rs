//! Draws by Zipf's law: the k-th of a list comes with a weight of 1 / k^s.

use crate::random::Random;

/// A distribution over the places of a list.
#[derive(Clone, Debug)]
pub(crate) struct Zipf {
    /// The share of all places up to each one; the last is 1.
    shares: Vec<f64>,
}

impl Zipf {
    /// A distribution over `count` places, of which the first is the most likely.
    pub(crate) fn new(count: u32, exponent: f64) -> Self {
        let mut total = 0.0;
        let mut shares: Vec<f64> = (1..=count)
            .map(|place| {
                total += f64::from(place).powf(-exponent);
                total
            })
            .collect();
        for share in &mut shares {
            *share /= total;
        }
        Self { shares }
    }

    /// A place from 0.
    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let drawn = random.unit();
        let place = self.shares.partition_point(|share| *share <= drawn);
        place.min(self.shares.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_come_as_often_as_the_law_says() {
        let zipf = Zipf::new(1_000, 1.001);
        let mut random = Random::new(1);
        let mut counts = vec![0_u32; 1_000];
        for _ in 0..100_000 {
            counts[zipf.draw(&mut random)] += 1;
        }
        // The sum of 1/k up to 1,000 is 7.485: the first has 13.4 percent, the second half of that.
        assert!((12_900..13_900).contains(&counts[0]), "{}", counts[0]);
        assert!((6_300..7_100).contains(&counts[1]), "{}", counts[1]);
        assert!(counts[999] < 60, "{}", counts[999]);
    }

    #[test]
    fn one_place_is_always_drawn() {
        let mut random = Random::new(2);
        assert_eq!(Zipf::new(1, 1.2).draw(&mut random), 0);
    }
}
