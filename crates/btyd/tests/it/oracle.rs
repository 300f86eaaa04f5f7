//! Every answer against high-precision values that oracle/answers.py computed from the published closed forms.

use std::collections::BTreeMap;

use btyd::special::hyp2f1;
use btyd::{
    BgNbd, Discounting, GammaGamma, History, Horizon, MbgNbd, ParetoNbd, PurchaseModel, Spending,
};

struct Row<'a> {
    quantity: &'a str,
    model: &'a str,
    parameters: [f64; 4],
    x: u32,
    recency: f64,
    age: f64,
    t: f64,
    value: f64,
}

fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let number = |at: usize| cells[at].parse::<f64>().expect("a number");
            Row {
                quantity: cells[0],
                model: cells[1],
                parameters: [number(2), number(3), number(4), number(5)],
                x: cells[6].parse().expect("a count"),
                recency: number(7),
                age: number(8),
                t: number(9),
                value: number(10),
            }
        })
}

fn of_purchases(model: &dyn PurchaseModel, row: &Row<'_>) -> f64 {
    let horizon = Horizon::new(row.t).expect("a horizon");
    let history = || History::new(row.x, row.recency, row.age).expect("a history");
    match row.quantity {
        "alive" => model.p_alive(&history()),
        "expected" => model.expected_purchases(&history(), horizon),
        "purchase" => model.p_purchase(&history(), horizon),
        "churn" => model.churn(&history(), horizon),
        "loglik" => model.ln_likelihood(&history()),
        "new" => model.expected_new(horizon),
        "pmf" => model.pmf(row.x, horizon),
        "discounted" => Discounting::new(4.0, 1.0 / 128.0)
            .expect("a rate")
            .purchases(model, &history(), horizon)
            .expect("few steps"),
        other => panic!("unknown quantity {other}"),
    }
}

fn of_spend(model: &GammaGamma, row: &Row<'_>) -> f64 {
    let spending = Spending::new(row.x, row.recency).expect("a spending");
    match row.quantity {
        "spend" => model.expected_mean_spend(&spending),
        "mean" => model.population_mean(),
        "loglik" => model.ln_likelihood(&spending),
        other => panic!("unknown quantity {other}"),
    }
}

fn answer(row: &Row<'_>) -> f64 {
    let [p, q, u, v] = row.parameters;
    match row.model {
        "bg" => of_purchases(&BgNbd::new(p, q, u, v).expect("a model"), row),
        "mbg" => of_purchases(&MbgNbd::new(p, q, u, v).expect("a model"), row),
        "pareto" => of_purchases(&ParetoNbd::new(p, q, u, v).expect("a model"), row),
        "gg" => of_spend(&GammaGamma::new(p, q, u).expect("a model"), row),
        "fn" => hyp2f1(p, q, u, v).expect("in the domain"),
        other => panic!("unknown model {other}"),
    }
}

#[test]
fn all_answers_have_ten_digits() {
    let mut worst: BTreeMap<String, (f64, String)> = BTreeMap::new();
    let mut count = 0;
    for row in rows(include_str!("../data/answers.csv")) {
        let got = answer(&row);
        assert!(got.is_finite());
        // A logarithm near zero has absolute errors; everything else is relative.
        let scale = if row.quantity == "loglik" {
            row.value.abs().max(1.0)
        } else {
            row.value
        };
        let error = ((got - row.value) / scale).abs();
        let entry = worst
            .entry(format!("{} {}", row.model, row.quantity))
            .or_default();
        if error > entry.0 {
            let place = format!(
                "{:?} x {} t_x {} T {} t {}: {got} for {}",
                row.parameters, row.x, row.recency, row.age, row.t, row.value
            );
            *entry = (error, place);
        }
        count += 1;
    }
    assert!(count > 2500, "{count} rows");
    let bad: Vec<_> = worst
        .iter()
        .filter(|(_, (error, _))| *error > 1e-10)
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}
