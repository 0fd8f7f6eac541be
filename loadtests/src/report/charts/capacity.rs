//! The knee: goodput over offered rate, with the law fitted to it.

use plotters::prelude::*;

use super::{Ink, drawn, ink_of, plain};
use crate::results::Capacity;

pub(crate) fn capacity(capacities: &[Capacity]) -> String {
    let steps = capacities.iter().flat_map(|capacity| &capacity.steps);
    let (right, top) = steps.fold((1.0_f64, 1.0_f64), |(right, top), (offered, good)| {
        (right.max(*offered), top.max(*good))
    });
    drawn(360, "Goodput over offered rate", |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(45)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..right * 1.1, 0.0..top.max(right) * 1.1)?;
        chart
            .configure_mesh()
            .x_desc("orders offered per second")
            .y_desc("orders settled in time per second")
            .x_label_formatter(&|rate| plain(*rate))
            .y_label_formatter(&|rate| plain(*rate))
            .label_style(Ink::Soft.text())
            .axis_desc_style(Ink::Soft.text())
            .axis_style(Ink::Soft.color())
            .bold_line_style(Ink::Line.color())
            .light_line_style(Ink::Paper.color())
            .draw()?;
        let ideal = [(0.0, 0.0), (right, right)];
        chart.draw_series(DashedLineSeries::new(
            ideal,
            3,
            5,
            Ink::Soft.color().stroke_width(1),
        ))?;
        for one in capacities {
            let ink = ink_of(&one.arm).color();
            let dots = one
                .steps
                .iter()
                .map(|step| Circle::new(*step, 5, ink.filled()));
            chart.draw_series(dots)?;
            if let Some(knee) = &one.knee {
                let loads = (1..=200).map(|n| right * 1.1 * f64::from(n) / 200.0);
                let law = loads.filter_map(|load| Some((load, knee.throughput(load)?)));
                chart.draw_series(LineSeries::new(law, ink.stroke_width(2)))?;
            }
        }
        Ok(())
    })
}
