//! The published figures of the CDNOW sample, to every printed digit (Fader, Hardie and Lee 2005; Fader and Hardie 2013).

use btyd::validation::{Forecast, Verdict, auc, validate};
use btyd::{
    BgNbd, FitOptions, GammaGamma, History, Horizon, MbgNbd, ParetoNbd, Patterns, PurchaseModel,
};

use crate::log::summaries;

fn patterns() -> Patterns {
    Patterns::group(summaries().into_iter().map(|(_, summary)| summary.history)).expect("rows")
}

fn printed(values: &[f64], digits: usize) -> Vec<String> {
    values
        .iter()
        .map(|value| format!("{value:.digits$}"))
        .collect()
}

#[test]
fn the_sample_is_the_published_one() {
    let summaries = summaries();
    assert_eq!(summaries.len(), 2357);
    let repeaters = summaries
        .iter()
        .filter(|(_, one)| one.history.frequency() > 0)
        .count();
    assert_eq!(repeaters, 946);
    let held_out: u32 = summaries.iter().map(|(_, one)| one.holdout_purchases).sum();
    assert_eq!(held_out, 1882);
}

#[test]
fn bg_nbd_gives_the_published_parameters() {
    let fit = BgNbd::fit(&patterns(), &FitOptions::default()).expect("a fit");
    assert!(fit.converged(), "{fit:?}");
    let model = fit.model;
    assert_eq!(
        printed(&[model.r(), model.alpha(), model.a(), model.b()], 3),
        ["0.243", "4.414", "0.793", "2.426"]
    );
    assert_eq!(format!("{:.1}", fit.log_likelihood), "-9582.4");
    let errors = fit
        .standard_errors
        .expect("a positive definite information");
    // As lifetimes 0.11.3 reports them.
    assert_eq!(printed(&errors, 3), ["0.013", "0.378", "0.186", "0.705"]);
}

#[test]
fn gamma_gamma_gives_the_published_parameters() {
    let spendings: Vec<_> = summaries()
        .iter()
        .map(|(_, summary)| summary.spending().expect("a positive spend"))
        .collect();
    let fit = GammaGamma::fit(&spendings, &FitOptions::default()).expect("a fit");
    assert!(fit.converged(), "{fit:?}");
    let model = fit.model;
    assert_eq!(
        printed(&[model.p(), model.q(), model.gamma()], 2),
        ["6.25", "3.74", "15.44"]
    );
}

#[test]
fn pareto_nbd_gives_the_published_parameters() {
    let fit = ParetoNbd::fit(&patterns(), &FitOptions::default()).expect("a fit");
    assert!(fit.converged(), "{fit:?}");
    let model = fit.model;
    assert_eq!(
        printed(&[model.r(), model.alpha(), model.s(), model.beta()], 3),
        ["0.553", "10.578", "0.606", "11.669"]
    );
    assert_eq!(format!("{:.1}", fit.log_likelihood), "-9595.0");
    assert!(fit.standard_errors.is_some());
}

#[test]
fn mbg_nbd_converges_near_the_published_likelihood() {
    let fit = MbgNbd::fit(&patterns(), &FitOptions::default()).expect("a fit");
    assert!(fit.converged(), "{fit:?}");
    assert!((-9600.0..-9560.0).contains(&fit.log_likelihood), "{fit:?}");
}

#[test]
fn days_and_weeks_give_the_same_shapes() {
    let weeks = patterns();
    let days = Patterns::weighted(weeks.rows().iter().map(|row| {
        let history = row.history;
        let scaled = History::new(
            history.frequency(),
            history.recency() * 7.0,
            history.age() * 7.0,
        );
        (scaled.expect("a history"), row.weight)
    }))
    .expect("rows");
    for penalty in [0.0, 0.01] {
        let options = FitOptions {
            penalty,
            ..FitOptions::default()
        };
        let one = BgNbd::fit(&weeks, &options).expect("a fit").model;
        let other = BgNbd::fit(&days, &options).expect("a fit").model;
        let pairs = [
            (one.r(), other.r()),
            (one.alpha() * 7.0, other.alpha()),
            (one.a(), other.a()),
            (one.b(), other.b()),
        ];
        for (one, other) in pairs {
            assert!((one / other - 1.0).abs() < 1e-7, "{one} {other}");
        }
    }
}

#[test]
fn the_holdout_says_that_the_model_is_worth_using_and_p_alive_no_score() {
    let fit = BgNbd::fit(&patterns(), &FitOptions::default()).expect("a fit");
    let horizon = Horizon::new(39.0).expect("a horizon");
    let summaries = summaries();
    let forecasts: Vec<Forecast> = summaries
        .iter()
        .map(|(_, one)| Forecast {
            p_purchase: fit.model.p_purchase(&one.history, horizon),
            expected_purchases: fit.model.expected_purchases(&one.history, horizon),
            idle: one.history.idle(),
            actual_purchases: one.holdout_purchases,
        })
        .collect();
    let report = validate(&forecasts).expect("a report");
    assert_eq!(report.verdict, Verdict::WorthUsing, "{report:?}");
    assert_eq!(report.actual_purchases, 1882);
    assert_eq!(
        format!("{:.2}", report.auc_of_recency.expect("both kinds")),
        "0.77"
    );
    let alive: Vec<f64> = summaries
        .iter()
        .map(|(_, one)| fit.model.p_alive(&one.history))
        .collect();
    let active: Vec<bool> = summaries
        .iter()
        .map(|(_, one)| one.holdout_purchases > 0)
        .collect();
    let of_alive = auc(&alive, &active)
        .expect("equal lengths")
        .expect("both kinds");
    assert_eq!(format!("{of_alive:.2}"), "0.32");
}
