//! Whatever the numbers, there is an answer in its range or a typed error; never a panic, never a NaN.

use btyd::rfm::{Activity, Method, score};
use btyd::{
    BgNbd, FitOptions, GammaGamma, History, Horizon, MbgNbd, ParetoNbd, Patterns, Purchase,
    PurchaseModel, Spending, Window, summarize,
};
use proptest::prelude::*;

fn parameter() -> impl Strategy<Value = f64> {
    (-7.0..8.0_f64).prop_map(|exponent| 10f64.powf(exponent))
}

fn time() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        (-6.0..9.0_f64).prop_map(|exponent| 10f64.powf(exponent))
    ]
}

fn history() -> impl Strategy<Value = History> {
    (prop_oneof![0..5_u32, 0..100_000_u32], time(), 0.0..=1.0_f64).prop_map(|(x, age, share)| {
        let recency = if x == 0 { 0.0 } else { age * share };
        History::new(x, recency, age).expect("a history")
    })
}

fn check(model: &dyn PurchaseModel, history: &History, horizon: Horizon, count: u32) {
    let shares = [
        model.p_alive(history),
        model.p_purchase(history, horizon),
        model.churn(history, horizon),
        model.pmf(count, horizon),
    ];
    for share in shares {
        assert!(
            (0.0..=1.0).contains(&share),
            "{shares:?} {history:?} {horizon:?} {count}"
        );
    }
    assert!(
        (shares[1] + shares[2] - 1.0).abs() < 1e-9,
        "{shares:?} {history:?}"
    );
    let expected = model.expected_purchases(history, horizon);
    assert!(
        expected.is_finite() && expected >= 0.0,
        "{expected} {history:?} {horizon:?}"
    );
    assert!(model.expected_new(horizon).is_finite());
    assert!(model.ln_likelihood(history).is_finite());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn answers_stay_in_range(
        p in parameter(), q in parameter(), u in parameter(), v in parameter(),
        history in history(), t in time(), count in 0..400_u32,
    ) {
        let horizon = Horizon::new(t).expect("a horizon");
        check(&BgNbd::new(p, q, u, v).expect("a model"), &history, horizon, count);
        check(&MbgNbd::new(p, q, u, v).expect("a model"), &history, horizon, count);
        check(&ParetoNbd::new(p, q, u, v).expect("a model"), &history, horizon, count);
    }

    #[test]
    fn raw_numbers_never_panic(x in any::<f64>(), tx in any::<f64>(), age in any::<f64>(), m in any::<f64>()) {
        let rows = History::from_rows([(x, tx, age), (1.0, tx, age), (0.0, 0.0, age)]);
        if let Ok(rows) = rows {
            let patterns = Patterns::group(rows).expect("three rows");
            if let Ok(fit) = BgNbd::fit(&patterns, &FitOptions::default()) {
                prop_assert!(fit.log_likelihood.is_finite());
            }
        }
        let _ = Horizon::new(x);
        let _ = BgNbd::new(x, tx, age, m);
        if let Ok(spending) = Spending::new(2, m) {
            let model = GammaGamma::new(6.25, 3.74, 15.44).expect("a model");
            prop_assert!(model.expected_mean_spend(&spending).is_finite());
        }
    }

    #[test]
    fn fits_of_any_data_end(rows in prop::collection::vec((0..20_u32, 0.0..=1.0_f64, 0.1..100.0_f64), 1..60)) {
        let rows = rows.into_iter().map(|(x, share, age)| {
            History::new(x, if x == 0 { 0.0 } else { share * age }, age).expect("a history")
        });
        let patterns = Patterns::group(rows).expect("rows");
        let options = FitOptions::default();
        for log_likelihood in [
            BgNbd::fit(&patterns, &options).map(|fit| fit.log_likelihood),
            MbgNbd::fit(&patterns, &options).map(|fit| fit.log_likelihood),
        ].into_iter().flatten() {
            prop_assert!(log_likelihood.is_finite());
        }
    }

    #[test]
    fn probabilities_of_counts_add_up(r in 0.1..3.0_f64,
        alpha in 2.0..20.0_f64, a in 0.1..4.0_f64, b in 0.1..4.0_f64) {
        let horizon = Horizon::new(3.0).expect("a horizon");
        let models: [Box<dyn PurchaseModel>; 3] = [
            Box::new(BgNbd::new(r, alpha, a, b).expect("a model")),
            Box::new(MbgNbd::new(r, alpha, a, b).expect("a model")),
            Box::new(ParetoNbd::new(r, alpha, a, b).expect("a model")),
        ];
        for model in models {
            let pmf: Vec<f64> = (0..120).map(|n| model.pmf(n, horizon)).collect();
            let mean: f64 = (0..120_u32).zip(&pmf).map(|(n, p)| f64::from(n) * p).sum();
            prop_assert!((pmf.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!((mean / model.expected_new(horizon) - 1.0).abs() < 1e-7);
        }
    }

    #[test]
    fn summaries_do_not_depend_on_the_order_of_customers(
        mut log in prop::collection::vec((0..8_u8, 0..60_i32, 1.0..50.0_f64), 0..80),
    ) {
        let window = Window::weeks_until(40).with_holdout(55);
        let purchase = |&(customer, day, _): &(u8, i32, f64)| Purchase { customer, day, spend: 8.0 };
        log.sort_by_key(|row| row.1);
        let by_time = summarize(log.iter().map(purchase), window).expect("in order");
        log.sort_by_key(|row| (row.0, row.1));
        let by_customer = summarize(log.iter().map(purchase), window).expect("in order");
        prop_assert_eq!(&by_time, &by_customer);
        for (_, summary) in by_time {
            prop_assert_eq!(summary.mean_spend.is_some(), summary.history.frequency() > 0);
        }
    }

    #[test]
    fn scores_do_not_depend_on_the_order_of_rows(
        rows in prop::collection::vec((0..9_u32, 0..5_u32, 0..6_i16), 0..40),
    ) {
        let members: Vec<_> = (0_u32..).zip(rows).map(|(key, (days_since_last, frequency, money))| {
            let activity = Activity { days_since_last, frequency, monetary: f64::from(money) };
            (key, (frequency > 0).then_some(activity))
        }).collect();
        let reversed: Vec<_> = members.iter().copied().rev().collect();
        for method in [Method::TieSafe, Method::Ntile] {
            let mut other = score(&reversed, method).expect("finite");
            other.reverse();
            prop_assert_eq!(score(&members, method).expect("finite"), other);
        }
    }
}
