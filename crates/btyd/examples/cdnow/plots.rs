//! Two plots: how well the frequencies fit, and cumulative repeat purchases by week against what the model expects.

use std::error::Error;
use std::path::Path;

use btyd::{BgNbd, Horizon, Purchase, PurchaseModel, Summary};
use plotters::prelude::*;

type Anything = Box<dyn Error>;

/// Customers by number of repeat purchases in calibration: actual bars, expected line.
pub(crate) fn frequencies(
    path: &Path,
    model: &BgNbd,
    customers: &[(u32, Summary)],
) -> Result<(), Anything> {
    let (mut actual, mut expected) = ([0.0; 8], [0.0; 8]);
    for (_, one) in customers {
        actual[usize::try_from(one.history.frequency().min(7))?] += 1.0;
        let horizon = Horizon::new(one.history.age())?;
        let mut rest = 1.0;
        for (count, sum) in (0_u32..7).zip(&mut expected) {
            let share = model.pmf(count, horizon);
            *sum += share;
            rest -= share;
        }
        expected[7] += rest;
    }
    let root = SVGBackend::new(path, (800, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(
            "Customers by repeat purchases, weeks 1 to 39",
            ("sans-serif", 20),
        )
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(-0.5..7.5, 0.0..1600.0)?;
    chart
        .configure_mesh()
        .x_desc("repeat purchases (7: 7 and more)")
        .y_desc("customers")
        .draw()?;
    let places = || (0_u8..8).map(f64::from);
    chart
        .draw_series(places().zip(actual).map(|(x, count)| {
            Rectangle::new([(x - 0.3, 0.0), (x + 0.3, count)], BLUE.mix(0.5).filled())
        }))?
        .label("actual")
        .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 15, y + 5)], BLUE.mix(0.5).filled()));
    chart
        .draw_series(LineSeries::new(places().zip(expected), RED.stroke_width(2)).point_size(4))?
        .label("BG/NBD")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 15, y)], RED.stroke_width(2)));
    finish(&mut chart)?;
    root.present()?;
    Ok(())
}

fn finish<'a, D: DrawingBackend + 'a>(
    chart: &mut ChartContext<
        'a,
        D,
        Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
    >,
) -> Result<(), DrawingAreaErrorKind<D::ErrorType>> {
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .position(SeriesLabelPosition::UpperRight)
        .draw()
}

/// Cumulative repeat purchase days by week of the calendar; the model knows weeks 1 to 39 only.
pub(crate) fn tracking(
    path: &Path,
    model: &BgNbd,
    log: &[Purchase<u32>],
    customers: &[(u32, Summary)],
    end: i32,
) -> Result<(), Anything> {
    let start = end - 273;
    let week = |day: i32| f64::from(day - start) / 7.0;
    let repeats = repeat_days(log);
    let (mut actual, mut expected) = (Vec::new(), Vec::new());
    for number in 0_u8..=78 {
        let now = f64::from(number);
        let made = repeats.iter().filter(|day| week(**day) <= now).count();
        actual.push((now, f64::from(u32::try_from(made)?)));
        let mut sum = 0.0;
        for (_, one) in customers {
            let since = now - (39.0 - one.history.age());
            if since > 0.0 {
                sum += model.expected_new(Horizon::new(since)?);
            }
        }
        expected.push((now, sum));
    }
    let root = SVGBackend::new(path, (800, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Cumulative repeat purchases by week", ("sans-serif", 20))
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..80.0, 0.0..5000.0)?;
    chart
        .configure_mesh()
        .x_desc("week")
        .y_desc("repeat purchases")
        .draw()?;
    chart
        .draw_series(LineSeries::new(actual, BLUE.stroke_width(2)))?
        .label("actual")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 15, y)], BLUE.stroke_width(2)));
    chart
        .draw_series(LineSeries::new(expected, RED.stroke_width(2)))?
        .label("BG/NBD")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 15, y)], RED.stroke_width(2)));
    chart.draw_series([PathElement::new(
        [(39.0, 0.0), (39.0, 5000.0)],
        BLACK.mix(0.5),
    )])?;
    finish(&mut chart)?;
    root.present()?;
    Ok(())
}

/// Days of repeat purchases; several on a day count once.
fn repeat_days(log: &[Purchase<u32>]) -> Vec<i32> {
    let mut days: Vec<(u32, i32)> = log.iter().map(|one| (one.customer, one.day)).collect();
    days.sort_unstable();
    days.dedup();
    days.windows(2)
        .filter(|two| two[0].0 == two[1].0)
        .map(|two| two[1].1)
        .collect()
}
