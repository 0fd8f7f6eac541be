//! Orders offered, accepted, settled and waiting in each second of a run with a fault.

use analysis::model::{ArmName, FaultRun, Second};
use plotters::prelude::*;

use super::canvas::{Ink, drawn, ink_of};
use super::over_time::line;

/// The time of the fault has a grey ground.
pub(crate) fn fault(faulty: &FaultRun) -> String {
    let seconds = &faulty.run.seconds;
    let length = seconds.len().max(2) as f64 - 1.0;
    let of_second = |second: &Second| second.offered.max(second.settled).max(second.backlog);
    let most = seconds.iter().map(of_second).max();
    let top = most.unwrap_or(1).max(1) as f64 * 1.08;
    let ink = ink_of(&ArmName::from(faulty.case.arm)).color();

    drawn(300, &faulty.case.title(), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(54)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..length, 0.0..top)?;
        let (begin, end) = (faulty.begin_s.min(length), faulty.end_s.min(length));
        chart.draw_series([Rectangle::new(
            [(begin, 0.0), (end, top)],
            Ink::Band.color().filled(),
        )])?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_desc("seconds")
            .y_desc("orders")
            .y_label_formatter(&|orders| format!("{orders:.0}"))
            .x_label_formatter(&|second| format!("{second:.0}"))
            .label_style(Ink::Soft.text())
            .axis_desc_style(Ink::Soft.text())
            .axis_style(Ink::Soft.color())
            .draw()?;
        let offered = line(seconds.iter().map(|second| second.offered));
        chart.draw_series(LineSeries::new(offered, Ink::Soft.color().stroke_width(2)))?;
        let accepted = line(seconds.iter().map(|second| second.accepted.unwrap_or(0)));
        chart.draw_series(LineSeries::new(accepted, Ink::Text.color().stroke_width(2)))?;
        let settled = line(seconds.iter().map(|second| second.settled));
        chart.draw_series(LineSeries::new(settled, ink.stroke_width(3)))?;
        let waiting = line(seconds.iter().map(|second| second.backlog));
        chart.draw_series(DashedLineSeries::new(waiting, 6, 5, ink.stroke_width(2)))?;
        Ok(())
    })
}
