//! Reads the raw CDNOW log and prints the published table beside its own fit, the holdout, RFM segments; draws two plots.
//!
//! `cargo run --release -p btyd --example cdnow -- FILE [FOLDER]`; the plots go to FOLDER, or to the current one.

#![allow(clippy::float_arithmetic, clippy::print_stdout)]

mod plots;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use btyd::rfm::{Activity, Method, score};
use btyd::validation::{Forecast, validate};
use btyd::{
    BgNbd, FitOptions, GammaGamma, Horizon, Patterns, Purchase, PurchaseModel, Summary, Window,
    day_number, summarize,
};

type Anything = Box<dyn Error>;

fn main() -> Result<(), Anything> {
    let mut arguments = std::env::args_os().skip(1);
    let file = arguments.next().ok_or("usage: cdnow FILE [FOLDER]")?;
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let log = read(&std::fs::read_to_string(file)?)?;
    let end = day(1997, 9, 30)?;
    let window = Window::weeks_until(end).with_holdout(day(1998, 6, 30)?);
    let customers = summarize(log.iter().copied(), window)?;
    let model = fits(&customers)?;
    holdout(&model, &customers)?;
    segments(&log, &customers, end)?;
    plots::frequencies(&folder.join("frequencies.svg"), &model, &customers)?;
    plots::tracking(&folder.join("tracking.svg"), &model, &log, &customers, end)?;
    println!(
        "\nPlots: {0}/frequencies.svg, {0}/tracking.svg",
        folder.display()
    );
    Ok(())
}

fn day(year: i32, month: u32, day: u32) -> Result<i32, Anything> {
    Ok(day_number(year, month, day).ok_or("no such day")?)
}

/// Lines of: number in the full log, number in the sample, date as YYYYMMDD, items, spend.
fn read(text: &str) -> Result<Vec<Purchase<u32>>, Anything> {
    let mut log = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, customer, date, _, spend] = words[..] else {
            continue;
        };
        let date: u32 = date.parse()?;
        log.push(Purchase {
            customer: customer.parse()?,
            day: day(i32::try_from(date / 10_000)?, date / 100 % 100, date % 100)?,
            spend: spend.parse()?,
        });
    }
    Ok(log)
}

fn fits(customers: &[(u32, Summary)]) -> Result<BgNbd, Anything> {
    let patterns = Patterns::group(customers.iter().map(|(_, one)| one.history))?;
    let fit = BgNbd::fit(&patterns, &FitOptions::default())?;
    let spendings = customers
        .iter()
        .map(|(_, one)| one.spending())
        .collect::<Result<Vec<_>, _>>()?;
    let spend = GammaGamma::fit(&spendings, &FitOptions::default())?;
    let (model, errors) = (fit.model, fit.standard_errors.unwrap_or([0.0; 4]));
    println!(
        "{} customers, {} patterns",
        customers.len(),
        patterns.rows().len()
    );
    println!("\nBG/NBD       published       here  std. error");
    let rows = [
        ("r", 0.243, model.r()),
        ("alpha", 4.414, model.alpha()),
        ("a", 0.793, model.a()),
        ("b", 2.426, model.b()),
    ];
    for ((name, published, here), error) in rows.into_iter().zip(errors) {
        println!("{name:<12} {published:>9.3} {here:>10.3} {error:>11.3}");
    }
    println!(
        "{:<12} {:>9.1} {:>10.1}",
        "log-lik.", -9582.4, fit.log_likelihood
    );
    println!(
        "ending: {:?} after {} evaluations",
        fit.ending, fit.evaluations
    );
    println!("\nGamma-Gamma  published       here");
    let rows = [
        ("p", 6.25, spend.model.p()),
        ("q", 3.74, spend.model.q()),
        ("gamma", 15.44, spend.model.gamma()),
    ];
    for (name, published, here) in rows {
        println!("{name:<12} {published:>9.2} {here:>10.2}");
    }
    Ok(model)
}

fn holdout(model: &BgNbd, customers: &[(u32, Summary)]) -> Result<(), Anything> {
    let horizon = Horizon::new(39.0)?;
    let forecasts: Vec<Forecast> = customers
        .iter()
        .map(|(_, one)| Forecast {
            p_purchase: model.p_purchase(&one.history, horizon),
            expected_purchases: model.expected_purchases(&one.history, horizon),
            idle: one.history.idle(),
            actual_purchases: one.holdout_purchases,
        })
        .collect();
    let report = validate(&forecasts)?;
    println!("\nHoldout, weeks 40 to 78");
    println!(
        "purchases: {:.0} foretold, {} made",
        report.expected_purchases, report.actual_purchases
    );
    println!(
        "AUC: {:.3}, of recency alone {:.3}; Brier score {:.4}, of the overall rate {:.4}",
        report.auc.unwrap_or_default(),
        report.auc_of_recency.unwrap_or_default(),
        report.brier,
        report.brier_of_base_rate
    );
    println!("verdict: {:?}", report.verdict);
    println!("\ntenth  foretold    made");
    for (number, tenth) in (1..).zip(&report.deciles) {
        println!(
            "{number:>5} {:>9.3} {:>7.3}",
            tenth.expected_purchases, tenth.actual_purchases
        );
    }
    println!("\nrepeats  customers  foretold    made (means by repeats in weeks 1 to 39)");
    let mut groups: BTreeMap<u32, (f64, f64, f64)> = BTreeMap::new();
    for ((_, one), forecast) in customers.iter().zip(&forecasts) {
        let group = groups.entry(one.history.frequency().min(7)).or_default();
        group.0 += 1.0;
        group.1 += forecast.expected_purchases;
        group.2 += f64::from(forecast.actual_purchases);
    }
    for (repeats, (n, foretold, made)) in groups {
        let plus = if repeats == 7 { "+" } else { " " };
        println!(
            "{repeats:>6}{plus} {n:>10} {:>9.3} {:>7.3}",
            foretold / n,
            made / n
        );
    }
    Ok(())
}

fn segments(log: &[Purchase<u32>], customers: &[(u32, Summary)], end: i32) -> Result<(), Anything> {
    let mut spent: BTreeMap<u32, (i32, f64)> = BTreeMap::new();
    for purchase in log.iter().filter(|purchase| purchase.day <= end) {
        let entry = spent
            .entry(purchase.customer)
            .or_insert((purchase.day, 0.0));
        entry.0 = entry.0.max(purchase.day);
        entry.1 += purchase.spend;
    }
    let members: Vec<_> = customers
        .iter()
        .map(|(key, one)| {
            let activity = spent.get(key).map(|(last, monetary)| Activity {
                days_since_last: u32::try_from(end - last).unwrap_or(0),
                frequency: one.history.frequency() + 1,
                monetary: *monetary,
            });
            (*key, activity)
        })
        .collect();
    let mut counts = BTreeMap::new();
    for one in score(&members, Method::TieSafe)? {
        *counts.entry(one.segment).or_insert(0) += 1;
    }
    println!("\nRFM segments at the end of week 39");
    for (segment, count) in counts {
        println!("{:<18} {count:>5}", format!("{segment:?}"));
    }
    Ok(())
}
