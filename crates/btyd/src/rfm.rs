//! Recency, frequency and monetary scores from 1 to 5 (5 is best), and the table of 125 codes with eleven segments.
//!
//! The default score keeps equal values together and depends on nothing but the values:
//! `1 + floor(5 · (rank - 1) / N)`, where `rank` is the number of customers that are worse, plus one.

use crate::error::Error;

/// What a customer did until the day of the analysis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activity {
    /// Days since the last purchase; fewer is better.
    pub days_since_last: u32,
    /// Purchase days (or orders).
    pub frequency: u32,
    /// Net spend in any money; any finite number.
    pub monetary: f64,
}

/// How values become scores.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Method {
    /// Equal values get equal scores; scores may stay empty.
    #[default]
    TieSafe,
    /// Five buckets of nearly equal size, the first `N mod 5` larger by one, as SQL's `NTILE(5)`; among equal values
    /// the customer with the smaller identifier counts as worse.
    Ntile,
    /// Fixed limits, ascending: the score is one more than the number of limits that a value reaches. Recency is
    /// limited in days, and reaching fewer limits is better.
    Thresholds {
        /// Limits of days since the last purchase.
        days_since_last: [u32; 4],
        /// Limits of frequency.
        frequency: [u32; 4],
        /// Limits of spend.
        monetary: [f64; 4],
    },
}

/// The three scores, each from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scores {
    /// Recency.
    pub r: u8,
    /// Frequency.
    pub f: u8,
    /// Monetary.
    pub m: u8,
}

impl Scores {
    /// The three digits as a number, such as 543.
    #[must_use]
    pub fn code(&self) -> u16 {
        u16::from(self.r) * 100 + u16::from(self.f) * 10 + u16::from(self.m)
    }

    /// The segment that the code belongs to.
    #[must_use]
    pub fn segment(&self) -> Segment {
        let code = self.code();
        TABLE
            .iter()
            .find(|(_, codes)| codes.contains(&code))
            .map_or(Segment::Prospects, |(segment, _)| *segment)
    }
}

/// Eleven groups of customers, and members without a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// Bought lately, often and much.
    Champions,
    /// Buy steadily.
    LoyalCustomers,
    /// Lately here, with some purchases.
    PotentialLoyalist,
    /// Lately here for the first time.
    NewCustomers,
    /// Lately here, little frequency, good spend.
    Promising,
    /// Middling in all.
    NeedAttention,
    /// Below the middle, fading.
    AboutToSleep,
    /// Used to buy well, not lately.
    AtRisk,
    /// Used to be among the best, long gone.
    CantLoseThem,
    /// Long ago, little.
    Hibernating,
    /// The lowest.
    Lost,
    /// Members without a purchase; they have no scores.
    Prospects,
}

/// All 125 codes, each in one segment.
pub const TABLE: [(Segment, &[u16]); 11] = [
    (Segment::Champions, &[555, 554, 544, 545, 454, 455, 445]),
    (
        Segment::LoyalCustomers,
        &[543, 444, 435, 355, 354, 345, 344, 335],
    ),
    (
        Segment::PotentialLoyalist,
        &[
            553, 551, 552, 541, 542, 533, 532, 531, 452, 451, 442, 441, 431, 453, 433, 432, 423,
            353, 352, 351, 342, 341, 333, 323,
        ],
    ),
    (Segment::NewCustomers, &[512, 511, 422, 421, 412, 411, 311]),
    (
        Segment::Promising,
        &[
            525, 524, 523, 522, 521, 515, 514, 513, 425, 424, 413, 414, 415, 315, 314, 313,
        ],
    ),
    (
        Segment::NeedAttention,
        &[535, 534, 443, 434, 343, 334, 325, 324],
    ),
    (
        Segment::AboutToSleep,
        &[331, 321, 312, 221, 213, 231, 241, 251],
    ),
    (
        Segment::AtRisk,
        &[
            255, 254, 245, 244, 253, 252, 243, 242, 235, 234, 225, 224, 153, 152, 145, 143, 142,
            135, 134, 133, 125, 124,
        ],
    ),
    (
        Segment::CantLoseThem,
        &[155, 154, 144, 214, 215, 115, 114, 113],
    ),
    (
        Segment::Hibernating,
        &[332, 322, 233, 232, 223, 222, 132, 123, 122, 212, 211],
    ),
    (Segment::Lost, &[111, 112, 121, 131, 141, 151]),
];

/// One customer's result; members without a purchase have no scores and are [`Segment::Prospects`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rfm {
    /// The scores, if there was a purchase.
    pub scores: Option<Scores>,
    /// The segment.
    pub segment: Segment,
}

/// Scores members in the order given; `None` is a member without a purchase, who does not count for the others.
///
/// # Errors
/// [`Error::Value`] names the first row whose spend is not finite; [`Error::Parameter`] limits that do not ascend.
pub fn score<K: Ord>(members: &[(K, Option<Activity>)], method: Method) -> Result<Vec<Rfm>, Error> {
    let mut places = Vec::new();
    let mut buyers = Vec::new();
    for (row, (key, activity)) in members.iter().enumerate() {
        if let Some(activity) = activity {
            if !activity.monetary.is_finite() {
                return Err(Error::Value {
                    row,
                    value: activity.monetary,
                });
            }
            places.push(row);
            buyers.push((key, *activity));
        }
    }
    let mut results = vec![
        Rfm {
            scores: None,
            segment: Segment::Prospects
        };
        members.len()
    ];
    for (place, scores) in places.into_iter().zip(scores_of(&buyers, method)?) {
        results[place] = Rfm {
            scores: Some(scores),
            segment: scores.segment(),
        };
    }
    Ok(results)
}

fn scores_of<K: Ord>(buyers: &[(&K, Activity)], method: Method) -> Result<Vec<Scores>, Error> {
    // Higher is better in all three.
    let columns: [Vec<f64>; 3] = [
        buyers
            .iter()
            .map(|(_, one)| -f64::from(one.days_since_last))
            .collect(),
        buyers
            .iter()
            .map(|(_, one)| f64::from(one.frequency))
            .collect(),
        buyers.iter().map(|(_, one)| one.monetary).collect(),
    ];
    let [r, f, m] = match method {
        Method::TieSafe => columns.map(|values| tie_safe(&values)),
        Method::Ntile => columns.map(|values| ntile(&values, |row| buyers[row].0)),
        Method::Thresholds {
            days_since_last,
            frequency,
            monetary,
        } => {
            let mut days = days_since_last.map(|day| -f64::from(day));
            days.reverse();
            let limits = [days, frequency.map(f64::from), monetary];
            if limits
                .iter()
                .flat_map(|four| four.windows(2))
                .any(|two| two[0] > two[1])
                || monetary.iter().any(|limit| !limit.is_finite())
            {
                return Err(Error::Parameter {
                    name: "thresholds",
                    value: monetary[0],
                });
            }
            let [r, f, m] = columns;
            [
                // A recency that reaches a limit of days is worse by it.
                by_limits(&r, |value| {
                    limits[0].iter().filter(|limit| value > **limit).count()
                }),
                by_limits(&f, |value| {
                    limits[1].iter().filter(|limit| value >= **limit).count()
                }),
                by_limits(&m, |value| {
                    limits[2].iter().filter(|limit| value >= **limit).count()
                }),
            ]
        }
    };
    let scores = r.into_iter().zip(f).zip(m);
    Ok(scores.map(|((r, f), m)| Scores { r, f, m }).collect())
}

fn by_limits(values: &[f64], reached: impl Fn(f64) -> usize) -> Vec<u8> {
    values
        .iter()
        .map(|value| small(1 + reached(*value)))
        .collect()
}

/// A score, which is from 1 to 5.
fn small(score: usize) -> u8 {
    u8::try_from(score.clamp(1, 5)).unwrap_or(5)
}

/// `1 + floor(5 · (rank - 1) / N)`; equal values share the lowest of their ranks.
fn tie_safe(values: &[f64]) -> Vec<u8> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    values
        .iter()
        .map(|value| {
            let worse = sorted.partition_point(|other| other < value);
            small(1 + worse * 5 / values.len())
        })
        .collect()
}

/// SQL's `NTILE(5)` over the values, then the keys.
fn ntile<'k, K: Ord + 'k>(values: &[f64], key: impl Fn(usize) -> &'k K) -> Vec<u8> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| {
        values[*one]
            .total_cmp(&values[*other])
            .then_with(|| key(*one).cmp(key(*other)))
    });
    let (size, larger) = (values.len() / 5, values.len() % 5);
    let mut scores = vec![0; values.len()];
    for (place, row) in order.into_iter().enumerate() {
        let bucket = if place < larger * (size + 1) {
            place / (size + 1)
        } else {
            larger + (place - larger * (size + 1)) / size.max(1)
        };
        scores[row] = small(bucket + 1);
    }
    scores
}
