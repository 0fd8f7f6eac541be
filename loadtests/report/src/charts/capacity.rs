//! Goodput over offered rate with the law fitted to it, and CPU per order over offered rate.

use analysis::model::Capacity;
use plotters::prelude::*;

use super::canvas::{Drawing, Drawn, Ink, Y_LABELS, drawn, ink_of, plain};

pub(crate) fn capacity(capacities: &[Capacity]) -> String {
    let probes = capacities.iter().flat_map(|capacity| &capacity.probes);
    let right = probes.fold(1.0_f64, |right, probe| right.max(probe.offered_per_s)) * 1.1;
    drawn(360, "Goodput over offered rate", |area| {
        let y = "orders settled in time per second";
        let mut chart = chart(area, right, right, y)?;
        let ideal = [(0.0, 0.0), (right, right)];
        chart.draw_series(DashedLineSeries::new(
            ideal,
            3,
            5,
            Ink::Soft.color().stroke_width(1),
        ))?;
        for one in capacities {
            let ink = ink_of(&one.arm).color();
            if let Some(knee) = &one.knee {
                let loads = (1..=200).map(|n| right * f64::from(n) / 200.0);
                let law = loads.filter_map(|load| Some((load, knee.throughput(load)?)));
                chart.draw_series(LineSeries::new(law, ink.stroke_width(2)))?;
            }
            for probe in &one.probes {
                let at = (probe.offered_per_s, probe.goodput_per_s);
                let style = if probe.held {
                    ink.filled()
                } else {
                    ink.stroke_width(2)
                };
                chart.draw_series([Circle::new(at, 5, style)])?;
            }
        }
        Ok(())
    })
}

/// CPU per order over the offered rate, where the rate was held.
pub(crate) fn cost(capacities: &[Capacity]) -> String {
    let held = |one: &Capacity| -> Vec<(f64, f64)> {
        let held = one.probes.iter().filter(|probe| probe.held);
        held.map(|probe| (probe.offered_per_s, probe.cpu_ms_per_order))
            .collect()
    };
    let points: Vec<(f64, f64)> = capacities.iter().flat_map(held).collect();
    let right = points.iter().fold(1.0_f64, |most, point| most.max(point.0)) * 1.1;
    let top = points.iter().fold(0.1_f64, |most, point| most.max(point.1)) * 1.1;
    drawn(320, "CPU per order over offered rate", |area| {
        let mut chart = chart(area, right, top, "CPU ms per settled order")?;
        for one in capacities {
            let ink = ink_of(&one.arm).color();
            let points = held(one);
            chart.draw_series(LineSeries::new(points.clone(), ink.stroke_width(2)))?;
            let dots = points
                .into_iter()
                .map(|at| Circle::new(at, 5, ink.filled()));
            chart.draw_series(dots)?;
        }
        Ok(())
    })
}

type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

fn chart<'a, 'b>(
    area: &'a Drawing<'b>,
    right: f64,
    top: f64,
    y: &str,
) -> Result<Chart<'a, 'b>, Box<dyn std::error::Error>> {
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(54)
        .y_label_area_size(Y_LABELS)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    mesh(&mut chart, y)?;
    Ok(chart)
}

fn mesh(chart: &mut Chart<'_, '_>, y: &str) -> Drawn {
    chart
        .configure_mesh()
        .x_desc("orders offered per second")
        .y_desc(y)
        .x_label_formatter(&|rate| plain(*rate))
        .y_label_formatter(&|rate| plain(*rate))
        .label_style(Ink::Soft.text())
        .axis_desc_style(Ink::Soft.text())
        .axis_style(Ink::Soft.color())
        .bold_line_style(Ink::Line.color())
        .light_line_style(Ink::Paper.color())
        .draw()?;
    Ok(())
}
