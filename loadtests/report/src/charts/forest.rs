//! The forest plot: ratios with their intervals, one line per measure.

use analysis::Comparison;
use analysis::verdict::EQUIVALENCE;
use plotters::prelude::*;

use super::canvas::{Drawing, Drawn, Ink, TEXT, drawn, ink_of, log_range, plain};

const ROW: i32 = 46;
const LEFT: i32 = 140;
const RIGHT: i32 = 570;

/// One comparison per row. Those without an interval are left out; `None` when all are.
pub(crate) fn forest(comparisons: &[&Comparison]) -> Option<String> {
    let rows: Vec<_> = comparisons
        .iter()
        .filter(|one| one.ratio.is_some())
        .collect();
    if rows.is_empty() {
        return None;
    }
    let height = 70 + ROW as u32 * rows.len() as u32;
    let intervals = rows.iter().filter_map(|one| one.ratio);
    let ends = intervals
        .flat_map(|ratio| [ratio.low, ratio.high])
        .chain([0.8, 1.25]);
    let range = log_range(ends);
    let x = |ratio: f64| {
        let place = (ratio / range.start).ln() / (range.end / range.start).ln();
        LEFT + (place.clamp(0.0, 1.0) * f64::from(RIGHT - LEFT)) as i32
    };
    Some(drawn(height, "Ratios with their intervals", |area| {
        axis(area, &range, &x, height as i32)?;
        for (n, one) in rows.iter().enumerate() {
            row(area, one, 45 + ROW * n as i32, &x)?;
        }
        Ok(())
    }))
}

/// The band that counts as equal, and lines at round ratios.
fn axis(
    area: &Drawing<'_>,
    range: &std::ops::Range<f64>,
    x: &impl Fn(f64) -> i32,
    height: i32,
) -> Drawn {
    let bottom = height - 35;
    let (low, high) = (x(1.0 - EQUIVALENCE), x(1.0 + EQUIVALENCE));
    area.draw(&Rectangle::new(
        [(low, 15), (high, bottom)],
        Ink::Band.color().filled(),
    ))?;
    let ticks = [
        0.1, 0.2, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0,
    ];
    let mut last = 0;
    for tick in ticks.into_iter().filter(|tick| range.contains(tick)) {
        let at = x(tick);
        let ink = if tick == 1.0 { Ink::Text } else { Ink::Line };
        area.draw(&PathElement::new(
            [(at, 15), (at, bottom)],
            ink.color().stroke_width(1),
        ))?;
        if at - last > 56 || tick == 1.0 {
            let label = format!("{}x", plain(tick));
            area.draw(&Text::new(label, (at - 10, bottom + 10), Ink::Soft.text()))?;
            last = at;
        }
    }
    Ok(())
}

fn row(area: &Drawing<'_>, one: &Comparison, y: i32, x: &impl Fn(f64) -> i32) -> Drawn {
    let Some(ratio) = one.ratio else {
        return Ok(());
    };
    let ink = ink_of(&one.other).color();
    area.draw(&Text::new(
        one.measure.short(),
        (0, y - TEXT / 2),
        Ink::Text.text(),
    ))?;
    let (low, middle, high) = (x(ratio.low), x(ratio.mean), x(ratio.high));
    area.draw(&PathElement::new(
        [(low, y), (high, y)],
        ink.stroke_width(3),
    ))?;
    for end in [low, high] {
        area.draw(&PathElement::new(
            [(end, y - 6), (end, y + 6)],
            ink.stroke_width(3),
        ))?;
    }
    area.draw(&Circle::new((middle, y), 6, ink.filled()))?;
    let label = format!("{:.2}x", ratio.mean);
    area.draw(&Text::new(label, (middle - 14, y - 26), Ink::Text.text()))?;
    Ok(())
}
