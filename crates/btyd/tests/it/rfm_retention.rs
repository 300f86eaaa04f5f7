//! RFM and retention: the CDNOW figures, and groups of 0, 1, 4 and of equals.

use std::collections::BTreeSet;

use btyd::Error;
use btyd::retention::{cohorts, day_retention, lifecycle, rolling_retention};
use btyd::rfm::{Activity, Method, Scores, Segment, TABLE, score};

use crate::log::{purchases, summaries};

fn member(key: u32, days: u32, frequency: u32, monetary: f64) -> (u32, Option<Activity>) {
    (
        key,
        Some(Activity {
            days_since_last: days,
            frequency,
            monetary,
        }),
    )
}

#[test]
fn every_code_has_one_segment() {
    let all: Vec<u16> = TABLE
        .iter()
        .flat_map(|(_, codes)| codes.iter().copied())
        .collect();
    let distinct: BTreeSet<u16> = all.iter().copied().collect();
    assert_eq!((all.len(), distinct.len()), (125, 125));
    for r in 1..=5 {
        for f in 1..=5 {
            for m in 1..=5 {
                let scores = Scores { r, f, m };
                assert!(distinct.contains(&scores.code()));
                assert_ne!(scores.segment(), Segment::Prospects);
            }
        }
    }
    assert_eq!(Scores { r: 5, f: 4, m: 4 }.segment(), Segment::Champions);
    assert_eq!(Scores { r: 2, f: 4, m: 1 }.segment(), Segment::AboutToSleep);
}

#[test]
fn small_groups_have_scores() {
    assert_eq!(score::<u32>(&[], Method::TieSafe), Ok(vec![]));
    let one = score(&[member(1, 3, 2, 9.0), (2, None)], Method::TieSafe).expect("finite");
    assert_eq!(one[0].scores, Some(Scores { r: 1, f: 1, m: 1 }));
    assert_eq!((one[1].scores, one[1].segment), (None, Segment::Prospects));
    let four = [
        member(1, 4, 1, 1.0),
        member(2, 3, 2, 2.0),
        member(3, 2, 3, 3.0),
        member(4, 1, 4, 4.0),
    ];
    let scores = score(&four, Method::TieSafe).expect("finite");
    let r: Vec<u8> = scores
        .iter()
        .filter_map(|one| Some(one.scores?.r))
        .collect();
    assert_eq!(r, [1, 2, 3, 4]);
    let equal: Vec<_> = (0..7).map(|key| member(key, 5, 5, 5.0)).collect();
    let tie_safe = score(&equal, Method::TieSafe).expect("finite");
    assert!(
        tie_safe
            .iter()
            .all(|one| one.scores == Some(Scores { r: 1, f: 1, m: 1 }))
    );
    let ntile = score(&equal, Method::Ntile).expect("finite");
    let buckets: Vec<u8> = ntile.iter().filter_map(|one| Some(one.scores?.m)).collect();
    assert_eq!(buckets, [1, 1, 2, 2, 3, 4, 5]);
    let bad = score(&[member(1, 1, 1, f64::NAN)], Method::TieSafe);
    assert!(matches!(bad, Err(Error::Value { row: 0, .. })));
}

#[test]
fn fixed_limits_are_reached_from_their_value_on() {
    let limits = Method::Thresholds {
        days_since_last: [7, 30, 90, 180],
        frequency: [2, 3, 5, 10],
        monetary: [10.0, 20.0, 30.0, 40.0],
    };
    let members = [
        member(1, 6, 10, 40.0),
        member(2, 7, 2, 9.0),
        member(3, 180, 1, 10.0),
    ];
    let scores = score(&members, limits).expect("ascending");
    let codes: Vec<u16> = scores
        .iter()
        .filter_map(|one| Some(one.scores?.code()))
        .collect();
    assert_eq!(codes, [555, 421, 112]);
    let falling = Method::Thresholds {
        days_since_last: [7, 30, 90, 180],
        frequency: [3, 2, 5, 10],
        monetary: [10.0, 20.0, 30.0, 40.0],
    };
    assert!(matches!(
        score(&members, falling),
        Err(Error::Parameter { .. })
    ));
}

#[test]
fn frequency_scores_of_the_log() {
    let members: Vec<_> = summaries()
        .into_iter()
        .map(|(key, one)| member(key, 0, one.history.frequency() + 1, 0.0))
        .collect();
    let mut counts = [0; 5];
    for one in score(&members, Method::TieSafe).expect("finite") {
        counts[usize::from(one.scores.expect("a buyer").f) - 1] += 1;
    }
    assert_eq!(counts, [1411, 0, 439, 214, 293]);
}

/// Months since 1997-01 of every purchase.
fn months() -> Vec<(u32, i32)> {
    let start = |month: i32| {
        let (year, month) = (1997 + month.div_euclid(12), month.rem_euclid(12) + 1);
        btyd::day_number(year, u32::try_from(month).expect("a month"), 1).expect("a day")
    };
    let rows = purchases().into_iter();
    rows.map(|one| {
        let month = (0..24).find(|month| one.day < start(month + 1));
        (one.customer, month.expect("within two years"))
    })
    .collect()
}

#[test]
fn cohorts_of_the_log() {
    let table = cohorts(months(), 17);
    let sizes: Vec<u32> = table.iter().map(|cohort| cohort.size).collect();
    assert_eq!(sizes, [781, 857, 719]);
    assert_eq!(
        table[0].bounded,
        [
            781, 124, 95, 70, 65, 77, 65, 53, 52, 45, 62, 59, 45, 47, 63, 37, 37, 33
        ]
    );
    assert_eq!(
        table[1].unbounded,
        [
            857, 378, 343, 318, 300, 284, 260, 250, 235, 222, 206, 189, 173, 154, 125, 97, 60
        ]
    );
    assert_eq!(
        table[2].unbounded,
        [
            719, 333, 316, 297, 277, 264, 251, 236, 223, 194, 169, 153, 131, 92, 72, 45
        ]
    );
    assert!(cohorts::<u32>([], 17).is_empty());
}

#[test]
fn lifecycle_of_the_log() {
    let table = lifecycle(months(), 17);
    let march = table[&2];
    assert_eq!(
        (
            march.new,
            march.returning,
            march.resurrecting,
            march.dormant,
            march.active()
        ),
        (719, 168, 61, 813, 948)
    );
    assert_eq!(table.len(), 18);
}

#[test]
fn days_after_the_first_purchase() {
    let days = || purchases().into_iter().map(|one| (one.customer, one.day));
    let known = [
        (1, 29, 29, 1139),
        (7, 25, 145, 1111),
        (14, 27, 262, 1078),
        (30, 14, 410, 1023),
        (60, 16, 601, 940),
        (90, 5, 687, 894),
        (180, 5, 887, 747),
        (365, 7, 1074, 427),
    ];
    for (n, exactly, within, from) in known {
        let found = day_retention(days(), n);
        assert_eq!(
            (found.customers, found.exactly, found.within, found.from),
            (2357, exactly, within, from)
        );
    }
    let buckets =
        rolling_retention(days(), 30, 25, crate::log::window().holdout_end).expect("a length");
    assert_eq!((buckets[0].eligible, buckets[0].active), (2357, 2357));
    assert_eq!(buckets[24].rate(), None);
    assert!(buckets[17].eligible < 2357 && buckets[17].eligible > 0);
}
