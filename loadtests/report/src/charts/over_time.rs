//! Orders offered, settled and waiting in each second of a load that changes.

use analysis::model::Run;
use plotters::prelude::*;

use super::canvas::{Ink, Y_LABELS, drawn, ink_of};

pub(crate) fn over_time(runs: &[&Run]) -> String {
    let seconds = runs
        .iter()
        .map(|run| run.seconds.len())
        .max()
        .unwrap_or(1)
        .max(2);
    let all = runs.iter().flat_map(|run| &run.seconds);
    let most = all
        .map(|second| second.offered.max(second.settled).max(second.backlog))
        .max();
    let top = most.unwrap_or(1).max(1) as f64 * 1.08;

    drawn(340, "Orders over time", |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(54)
            .y_label_area_size(Y_LABELS)
            .build_cartesian_2d(0.0..(seconds as f64 - 1.0), 0.0..top)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_desc("seconds")
            .y_desc("orders")
            .y_label_formatter(&|orders| format!("{orders:.0}"))
            .x_label_formatter(&|second| format!("{second:.0}"))
            .label_style(Ink::Soft.text())
            .axis_desc_style(Ink::Soft.text())
            .axis_style(Ink::Soft.color())
            .bold_line_style(Ink::Line.color())
            .light_line_style(Ink::Paper.color())
            .draw()?;
        if let Some(first) = runs.first() {
            let offered = first.seconds.iter().map(|second| second.offered);
            chart.draw_series(LineSeries::new(
                line(offered),
                Ink::Soft.color().stroke_width(2),
            ))?;
        }
        for run in runs {
            let ink = ink_of(&run.arm).color();
            let settled = line(run.seconds.iter().map(|second| second.settled));
            chart.draw_series(LineSeries::new(settled, ink.stroke_width(3)))?;
            let waiting = line(run.seconds.iter().map(|second| second.backlog));
            chart.draw_series(DashedLineSeries::new(waiting, 6, 5, ink.stroke_width(2)))?;
        }
        Ok(())
    })
}

pub(super) fn line(
    orders: impl Iterator<Item = u64> + Clone,
) -> impl Iterator<Item = (f64, f64)> + Clone {
    orders
        .enumerate()
        .map(|(second, orders)| (second as f64, orders as f64))
}
