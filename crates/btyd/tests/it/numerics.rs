//! Corners: a = 1, z next to 1, nothing observed, weights, units, and data that no model can be told from.

use btyd::{
    BgNbd, Discounting, Ending, Error, FitOptions, GammaGamma, History, HistoryFault, Horizon,
    MbgNbd, ParetoNbd, Patterns, PurchaseModel, Score, Spending, lifetime_value,
};

fn history(x: u32, recency: f64, age: f64) -> History {
    History::new(x, recency, age).expect("a history")
}

fn small() -> Vec<History> {
    let mut rows = Vec::new();
    for i in 0..240_u32 {
        let age = f64::from(20 + i % 19);
        let x = if i % 3 == 0 { 0 } else { i % 7 };
        let recency = if x == 0 {
            0.0
        } else {
            age * f64::from(1 + i % 10) / 10.0
        };
        rows.push(history(x, recency, age));
    }
    rows
}

#[test]
fn answers_pass_smoothly_through_one() {
    let one = history(3, 10.0, 20.0);
    let horizon = Horizon::new(52.0).expect("a horizon");
    let at = |a: f64| {
        BgNbd::new(0.3, 5.0, a, 2.5)
            .expect("a model")
            .expected_purchases(&one, horizon)
    };
    for step in [1e-3, 1e-6, 1e-9, 1e-12] {
        let middle = 0.5 * (at(1.0 - step) + at(1.0 + step));
        assert!((middle / at(1.0) - 1.0).abs() < 1e-11 + step * step * 10.0);
    }
}

#[test]
fn weights_are_repeated_rows_and_order_is_nothing() {
    let rows = small();
    let repeated = rows.iter().flat_map(|row| [*row; 3]).rev();
    let options = FitOptions::default();
    let one = Patterns::weighted(rows.iter().map(|row| (*row, 3.0))).expect("rows");
    let other = Patterns::group(repeated).expect("rows");
    assert_eq!(one, other);
    let single = Patterns::group(rows).expect("rows");
    let (three, once) = (BgNbd::fit(&one, &options), BgNbd::fit(&single, &options));
    let (three, once) = (three.expect("a fit"), once.expect("a fit"));
    assert!((three.model.r() / once.model.r() - 1.0).abs() < 1e-9);
    assert!((three.log_likelihood / once.log_likelihood - 3.0).abs() < 1e-9);
}

#[test]
fn a_penalty_pulls_parameters_towards_one() {
    let patterns = Patterns::group(small()).expect("rows");
    let plain = BgNbd::fit(&patterns, &FitOptions::default()).expect("a fit");
    let options = FitOptions {
        penalty: 1.0,
        ..FitOptions::default()
    };
    let held = BgNbd::fit(&patterns, &options).expect("a fit");
    assert!(held.converged());
    assert!(held.model.b().ln().abs() <= plain.model.b().ln().abs());
    assert!(held.log_likelihood <= plain.log_likelihood);
    let bad = FitOptions {
        penalty: -1.0,
        ..FitOptions::default()
    };
    assert!(matches!(
        BgNbd::fit(&patterns, &bad),
        Err(Error::Parameter {
            name: "penalty",
            ..
        })
    ));
}

#[test]
fn data_that_tell_nothing_are_refused() {
    let options = FitOptions::default();
    assert_eq!(Patterns::group([]), Err(Error::Empty));
    let silent = Patterns::group([history(0, 0.0, 3.0); 5]).expect("rows");
    let still = Patterns::group([history(2, 0.0, 0.0); 5]).expect("rows");
    for patterns in [silent, still] {
        assert!(matches!(
            BgNbd::fit(&patterns, &options),
            Err(Error::NotEnoughData { .. })
        ));
        assert!(matches!(
            MbgNbd::fit(&patterns, &options),
            Err(Error::NotEnoughData { .. })
        ));
        assert!(matches!(
            ParetoNbd::fit(&patterns, &options),
            Err(Error::NotEnoughData { .. })
        ));
    }
    let same = [Spending::new(2, 10.0).expect("a spending"); 4];
    assert!(matches!(
        GammaGamma::fit(&same, &options),
        Err(Error::NotEnoughData { .. })
    ));
    assert_eq!(GammaGamma::fit(&[], &options), Err(Error::Empty));
    assert_eq!(
        GammaGamma::new(2.0, 1.0, 3.0),
        Err(Error::InfiniteMean { q: 1.0 })
    );
}

#[test]
fn data_without_leaving_end_without_a_false_success() {
    // Everyone bought on the last day: nothing says that anybody ever leaves.
    let rows = (1..60_u32).map(|i| history(1 + i % 5, 30.0, 30.0));
    let fit = BgNbd::fit(
        &Patterns::group(rows).expect("rows"),
        &FitOptions::default(),
    )
    .expect("a fit");
    assert!(
        fit.ending != Ending::Converged || fit.standard_errors.is_none() || fit.model.a() < 1e-3
    );
    assert!(fit.log_likelihood.is_finite());
}

#[test]
fn wrong_rows_are_named() {
    let faults = [
        (
            (1.0, 5.0, 4.0),
            HistoryFault::RecencyAfterAge {
                recency: 5.0,
                age: 4.0,
            },
        ),
        ((0.0, 1.0, 4.0), HistoryFault::RecencyWithoutRepeat(1.0)),
        ((1.0, -1.0, 4.0), HistoryFault::Recency(-1.0)),
        ((1.0, 1.0, f64::INFINITY), HistoryFault::Age(f64::INFINITY)),
    ];
    for (row, fault) in faults {
        let all = History::from_rows([(0.0, 0.0, 1.0), row]);
        assert_eq!(all, Err(Error::Row { row: 1, fault }));
    }
    assert_eq!(
        History::from_rows([(1.5, 1.0, 4.0)]),
        Err(Error::Value { row: 0, value: 1.5 })
    );
    let spends = Spending::from_rows([(1, 3.0), (2, 0.0)]);
    assert_eq!(spends, Err(Error::Spend { row: 1, spend: 0.0 }));
    let weights = Patterns::weighted([(history(0, 0.0, 1.0), 0.0)]);
    assert_eq!(
        weights,
        Err(Error::Weight {
            row: 0,
            weight: 0.0
        })
    );
}

#[test]
fn lifetime_value_is_discounted_purchases_times_spend_times_margin() {
    let rows = small();
    let horizon = Horizon::new(50.0).expect("a horizon");
    let model = BgNbd::new(0.3, 5.0, 0.8, 2.5).expect("a model");
    let spend = GammaGamma::new(6.25, 3.74, 15.44).expect("a model");
    let spending = Spending::new(2, 30.0).expect("a spending");
    let monthly = Discounting::new(4.0, 0.01).expect("a rate");
    let mut discounted = vec![0.0; rows.len()];
    monthly
        .purchases_into(&model, &rows, horizon, &mut discounted)
        .expect("equal lengths");
    for (row, discounted) in rows.iter().zip(discounted) {
        let value = lifetime_value(&model, &spend, (row, &spending), horizon, monthly, 0.2);
        let expected = discounted * spend.expected_mean_spend(&spending) * 0.2;
        assert!((value.expect("few steps") - expected).abs() <= 1e-12 * expected);
        let free = Discounting::new(4.0, 0.0).expect("a rate");
        let all = free.purchases(&model, row, horizon).expect("few steps");
        let plain = model.expected_purchases(row, horizon);
        assert!((all - plain).abs() <= 1e-12 * plain);
        assert!(discounted < plain);
    }
    let tiny = Discounting::new(1e-5, 0.01).expect("a rate");
    assert!(matches!(
        tiny.purchases(&model, &rows[0], horizon),
        Err(Error::Parameter {
            name: "horizon in steps",
            ..
        })
    ));
}

#[test]
fn batches_equal_single_answers() {
    let rows = small();
    let horizon = Horizon::new(12.0).expect("a horizon");
    let models: [Box<dyn PurchaseModel>; 3] = [
        Box::new(BgNbd::new(0.3, 5.0, 0.8, 2.5).expect("a model")),
        Box::new(MbgNbd::new(0.3, 5.0, 0.8, 2.5).expect("a model")),
        Box::new(ParetoNbd::new(0.5, 10.0, 0.6, 12.0).expect("a model")),
    ];
    for model in models {
        let mut scores = vec![Score::default(); rows.len()];
        let mut expected = vec![0.0; rows.len()];
        model
            .score_into(&rows, horizon, &mut scores)
            .expect("equal lengths");
        model
            .expected_purchases_into(&rows, horizon, &mut expected)
            .expect("equal lengths");
        for ((row, score), expected) in rows.iter().zip(&scores).zip(expected) {
            assert!((score.p_alive - model.p_alive(row)).abs() < 1e-15);
            assert!((score.churn - model.churn(row, horizon)).abs() < 1e-15);
            assert!((expected - model.expected_purchases(row, horizon)).abs() < 1e-12);
            assert!((score.expected_purchases - expected).abs() < 1e-12);
        }
        let short = model.p_alive_into(&rows, &mut expected_of(3));
        assert_eq!(
            short,
            Err(Error::Length {
                expected: rows.len(),
                found: 3
            })
        );
    }
}

fn expected_of(length: usize) -> Vec<f64> {
    vec![0.0; length]
}
