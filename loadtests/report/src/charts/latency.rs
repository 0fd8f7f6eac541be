//! Latency by percentile: for each arm a curve of answers and one of settled orders.

use analysis::model::{Quantiles, Run};
use plotters::prelude::*;

use super::canvas::{Ink, Y_LABELS, drawn, ink_of, log_range, plain};

/// The number of nines of a fraction. On this axis the tail is as wide as the body.
fn nines(fraction: f64) -> f64 {
    -(1.0 - fraction.min(0.9999)).log10()
}

/// Draws one run of each arm: settled as a full line, answered as a dashed one.
pub(crate) fn latency(runs: &[&Run]) -> String {
    let curves = runs
        .iter()
        .flat_map(|run| [&run.settled_ms, &run.acknowledged_ms]);
    let values = curves.flat_map(|quantiles| quantiles.curve.iter().map(|(_, ms)| ms.max(0.1)));
    let range = log_range(values);

    drawn(400, "Latency by percentile", |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(54)
            .y_label_area_size(Y_LABELS)
            .build_cartesian_2d(0.0..3.3, range.clone().log_scale())?;
        chart
            .configure_mesh()
            .x_labels(5)
            .x_label_formatter(&percentile)
            .y_label_formatter(&|ms| plain(*ms))
            .y_desc("milliseconds since the order was due")
            .x_desc("percentile of orders")
            .label_style(Ink::Soft.text())
            .axis_desc_style(Ink::Soft.text())
            .axis_style(Ink::Soft.color())
            .bold_line_style(Ink::Line.color())
            .light_line_style(Ink::Paper.color())
            .draw()?;
        for run in runs {
            let ink = ink_of(&run.arm).color();
            chart.draw_series(LineSeries::new(
                points(&run.settled_ms),
                ink.stroke_width(3),
            ))?;
            let dashed = points(&run.acknowledged_ms);
            chart.draw_series(DashedLineSeries::new(dashed, 6, 5, ink.stroke_width(2)))?;
        }
        Ok(())
    })
}

fn points(quantiles: &Quantiles) -> impl Iterator<Item = (f64, f64)> + Clone {
    // Beyond this fraction a sample of this size has only its largest value.
    let last = 1.0 - 0.5 / (quantiles.count.max(1) as f64);
    let curve = quantiles
        .curve
        .iter()
        .filter(move |(fraction, _)| *fraction <= last);
    curve.map(|(fraction, ms)| (nines(*fraction), ms.max(0.1)))
}

fn percentile(nines: &f64) -> String {
    let percent = (1.0 - 10_f64.powf(-nines)) * 100.0;
    match percent {
        percent if percent < 99.5 => format!("{percent:.0}"),
        percent => format!("{percent:.1}"),
    }
}
