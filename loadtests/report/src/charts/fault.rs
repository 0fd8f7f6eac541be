//! A run with a fault over time: its orders, and what its processes used.

use analysis::model::{ArmName, FaultRun, Second};
use plotters::prelude::*;

use super::canvas::{Ink, Y_LABELS, drawn, ink_of};
use super::over_time::line;

/// A line of the drawing: its points, as seconds and values.
struct Line {
    points: Vec<(f64, f64)>,
    color: RGBColor,
    kind: Kind,
}

/// How a line is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Thick,
    Thin,
    /// As thin, with gaps.
    Dashed,
}

/// Orders offered, accepted, settled and waiting in each second.
pub(crate) fn fault(faulty: &FaultRun) -> String {
    let seconds = &faulty.run.seconds;
    let of = |of: fn(&Second) -> u64| line(seconds.iter().map(of)).collect();
    let ink = ink_of(&ArmName::from(faulty.case.arm)).color();
    let lines = [
        (of(|one| one.offered), Ink::Soft.color(), Kind::Thin),
        (
            of(|one| one.accepted.unwrap_or(0)),
            Ink::Text.color(),
            Kind::Thin,
        ),
        (of(|one| one.settled), ink, Kind::Thick),
        (of(|one| one.backlog), ink, Kind::Dashed),
    ];
    over_time(faulty, "orders", &lines.map(Line::of))
}

/// Cores that the arm's processes and Postgres used.
pub(crate) fn usage(faulty: &FaultRun) -> String {
    let samples = faulty.usage.iter();
    let arm = samples.clone().map(|one| (one.at_s, one.cores));
    let postgres = samples.map(|one| (one.at_s, one.postgres_cores));
    let ink = ink_of(&ArmName::from(faulty.case.arm)).color();
    let lines = [
        (arm.collect(), ink, Kind::Thick),
        (postgres.collect(), ink, Kind::Dashed),
    ];
    over_time(faulty, "cores", &lines.map(Line::of))
}

impl Line {
    fn of((points, color, kind): (Vec<(f64, f64)>, RGBColor, Kind)) -> Line {
        Line {
            points,
            color,
            kind,
        }
    }
}

/// The digits after the point by which up to ten labels of an axis differ.
fn decimals(top: f64) -> usize {
    match top {
        ..1.0 => 2,
        ..10.0 => 1,
        _ => 0,
    }
}

/// Lines over the seconds of the run. The time of the fault has a grey ground.
fn over_time(faulty: &FaultRun, what: &str, lines: &[Line]) -> String {
    let length = faulty.run.seconds.len().max(2) as f64 - 1.0;
    let points = lines.iter().flat_map(|line| &line.points);
    let most = points.map(|(_, value)| *value).fold(0.1, f64::max);
    let top = most * 1.08;
    let decimals = decimals(top);
    let title = format!("{}: {what}", faulty.case.title());

    drawn(300, &title, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(54)
            .y_label_area_size(Y_LABELS)
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
            .y_desc(what)
            .y_label_formatter(&|value| format!("{value:.decimals$}"))
            .x_label_formatter(&|second| format!("{second:.0}"))
            .label_style(Ink::Soft.text())
            .axis_desc_style(Ink::Soft.text())
            .axis_style(Ink::Soft.color())
            .draw()?;
        for line in lines {
            let points = line.points.iter().copied();
            let width = if line.kind == Kind::Thick { 3 } else { 2 };
            let style = line.color.stroke_width(width);
            match line.kind {
                Kind::Dashed => {
                    chart.draw_series(DashedLineSeries::new(points, 6, 5, style))?;
                }
                _ => {
                    chart.draw_series(LineSeries::new(points, style))?;
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_labels_of_an_axis_are_the_same() {
        for (top, step) in [
            (0.45, 0.05),
            (1.2, 0.2),
            (5.4, 0.5),
            (9.9, 1.0),
            (21.6, 2.0),
        ] {
            let (decimals, steps) = (decimals(top), (top / step) as u32);
            let labels = (0..=steps).map(|n| format!("{:.decimals$}", f64::from(n) * step));
            let mut labels: Vec<String> = labels.collect();
            labels.dedup();
            assert_eq!(labels.len(), steps as usize + 1, "{labels:?}");
        }
    }
}
