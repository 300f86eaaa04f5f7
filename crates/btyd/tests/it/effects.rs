//! Effects against scipy and textbook values that oracle/effects.py computed, and cases where nothing can be said.

use btyd::effects::{
    Arm, cuped, katz, newcombe, size_for_means, size_for_rates, smallest_effect_on_means, welch,
    wilson,
};
use btyd::validation::{Forecast, Verdict, auc, validate};

const TREATED: [f64; 7] = [12.0, 15.5, 9.25, 20.0, 14.0, 11.0, 30.5];
const CONTROL: [f64; 5] = [10.0, 9.0, 13.5, 8.0, 12.25];
const BEFORE_T: [f64; 7] = [8.0, 11.0, 7.5, 15.0, 10.0, 9.0, 22.0];
const BEFORE_C: [f64; 5] = [9.0, 8.5, 12.0, 7.0, 11.0];

fn assert_known(name: &str, got: f64) {
    let line = include_str!("../data/effects.csv")
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(','))
        .expect("a known value");
    let want: f64 = line.parse().expect("a number");
    assert!(
        (got - want).abs() <= 1e-12 * want.abs().max(1.0),
        "{name}: {got} for {want}"
    );
}

fn arm(successes: u32, size: u32) -> Arm {
    Arm::new(successes, size).expect("no more successes than customers")
}

#[test]
fn rates() {
    let repeat = wilson(arm(946, 2357), 0.95)
        .expect("a level")
        .expect("an arm");
    assert_known("wilson_low", repeat.low);
    assert_known("wilson_high", repeat.high);
    let pairs = [
        ("a", arm(45, 1000), arm(30, 1000)),
        ("b", arm(0, 200), arm(0, 100)),
        ("c", arm(56, 70), arm(48, 80)),
    ];
    for (name, treated, control) in pairs {
        let found = newcombe(treated, control, 0.95)
            .expect("a level")
            .expect("two arms");
        assert_known(&format!("newcombe_{name}_low"), found.interval.low);
        assert_known(&format!("newcombe_{name}_high"), found.interval.high);
        if let Some(found) = katz(treated, control, 0.95).expect("a level") {
            let interval = found.interval.expect("successes in both");
            assert_known(&format!("katz_{name}_low"), interval.low);
            assert_known(&format!("katz_{name}_high"), interval.high);
        }
    }
    let known = newcombe(arm(45, 1000), arm(30, 1000), 0.95)
        .expect("a level")
        .expect("two arms");
    assert_eq!(format!("{:.8}", known.z.expect("a variance")), "1.76546966");
}

#[test]
fn means() {
    let found = welch(&TREATED, &CONTROL, 0.95)
        .expect("finite")
        .expect("two arms");
    let interval = found.interval.expect("a variance");
    assert_known("welch_p", found.p_value.expect("a variance"));
    assert_known("welch_df", found.degrees_of_freedom.expect("a variance"));
    assert_known("welch_low", interval.low);
    assert_known("welch_high", interval.high);
    let treated: Vec<_> = BEFORE_T.into_iter().zip(TREATED).collect();
    let control: Vec<_> = BEFORE_C.into_iter().zip(CONTROL).collect();
    let found = cuped(&treated, &control, 0.95)
        .expect("finite")
        .expect("two arms");
    assert_known("cuped_theta", found.theta);
    assert_known("cuped_difference", found.adjusted.difference);
    assert_known("cuped_p", found.adjusted.p_value.expect("a variance"));
    assert_known("cuped_correlation", found.correlation.expect("both vary"));
}

#[test]
fn what_is_undefined_is_none() {
    assert_eq!(wilson(arm(0, 0), 0.95), Ok(None));
    assert_eq!(newcombe(arm(0, 0), arm(1, 2), 0.95), Ok(None));
    assert_eq!(katz(arm(1, 2), arm(0, 5), 0.95), Ok(None));
    let none = katz(arm(0, 5), arm(1, 5), 0.95)
        .expect("a level")
        .expect("a ratio");
    assert_eq!((none.ratio, none.interval), (0.0, None));
    assert_eq!(welch(&[], &[1.0], 0.95), Ok(None));
    let single = welch(&[1.0], &[2.0, 3.0], 0.95)
        .expect("finite")
        .expect("two arms");
    assert_eq!(
        (single.standard_error, single.interval, single.p_value),
        (None, None, None)
    );
    let still = cuped(&[(1.0, 2.0), (1.0, 3.0)], &[(1.0, 2.0), (1.0, 5.0)], 0.95);
    let still = still.expect("finite").expect("two arms");
    assert_eq!((still.theta, still.correlation), (0.0, None));
    assert!(Arm::new(3, 2).is_err());
    assert!(wilson(arm(1, 2), 1.0).is_err());
    assert!(welch(&[f64::NAN], &[1.0], 0.95).is_err());
    assert_eq!(cuped(&[], &[], 0.95), Ok(None));
}

#[test]
fn sizes() {
    let rates = size_for_rates(0.1, 0.12, 0.95, 0.8).expect("in range");
    assert_known(
        "size_rates",
        f64::from(u32::try_from(rates).expect("small")),
    );
    let means = size_for_means(10.0, 1.5, 0.95, 0.8).expect("in range");
    assert_known(
        "size_means",
        f64::from(u32::try_from(means).expect("small")),
    );
    let least = smallest_effect_on_means(10.0, (698, 698), 0.95, 0.8).expect("in range");
    assert!(least <= 1.5 && least > 1.49, "{least}");
    assert!(size_for_rates(0.1, 0.1, 0.95, 0.8).is_err());
    assert!(size_for_means(0.0, 1.0, 0.95, 0.8).is_err());
}

#[test]
fn validation_counts_ties_by_half_and_says_when_nothing_can_be_told() {
    let half = auc(&[1.0, 1.0, 1.0], &[true, false, true]).expect("equal lengths");
    assert_eq!(half, Some(0.5));
    assert_eq!(auc(&[1.0, 2.0], &[true, true]), Ok(None));
    assert!(auc(&[1.0], &[]).is_err());
    let one = Forecast {
        p_purchase: 0.5,
        expected_purchases: 1.0,
        idle: 2.0,
        actual_purchases: 0,
    };
    assert_eq!(validate(&[one]).expect("a report").verdict, Verdict::Untold);
    assert!(validate(&[]).is_err());
    assert!(
        validate(&[Forecast {
            p_purchase: 1.5,
            ..one
        }])
        .is_err()
    );
    let other = Forecast {
        actual_purchases: 2,
        idle: 1.0,
        ..one
    };
    let report = validate(&[one, other]).expect("a report");
    assert_eq!(report.verdict, Verdict::NoBetterThanRecency);
    assert_eq!(report.brier, 0.25);
}
