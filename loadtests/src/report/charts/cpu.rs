//! Where the CPU of an order goes: one bar an arm, a piece a component, and the dial's steps.

use plotters::prelude::*;

use super::{Drawing, Drawn, Ink, TEXT, drawn, ink_of};
use crate::arms::Arm;

/// An arm's CPU milliseconds per order, by component, largest first.
pub(crate) struct Bar {
    pub(crate) arm: String,
    pub(crate) pieces: Vec<(String, f64)>,
}

impl Bar {
    fn total(&self) -> f64 {
        self.pieces.iter().map(|(_, ms)| ms).sum()
    }
}

const ROW: i32 = 86;
const LEFT: i32 = 48;
const RIGHT: i32 = 640;

pub(crate) fn cpu(bars: &[Bar]) -> String {
    let most = bars.iter().map(Bar::total).fold(0.001, f64::max);
    let height = 10 + ROW as u32 * bars.len() as u32;
    drawn(height, "CPU per order by component", |area| {
        let mut before: Option<f64> = None;
        for (n, bar) in bars.iter().enumerate() {
            let y = 8 + ROW * n as i32;
            draw_bar(area, bar, y, |ms| {
                LEFT + (ms / most * f64::from(RIGHT - LEFT)) as i32
            })?;
            let step = before.map(|before| bar.total() - before);
            draw_words(area, bar, y, step)?;
            before = Some(bar.total());
        }
        Ok(())
    })
}

/// Pieces are told apart by strength, and named where they have room.
fn draw_bar(area: &Drawing<'_>, bar: &Bar, y: i32, x: impl Fn(f64) -> i32) -> Drawn {
    let ink = ink_of(&bar.arm).color();
    let mut from = 0.0;
    for (n, (_, ms)) in bar.pieces.iter().enumerate() {
        let strength = if n % 2 == 0 { 0.85 } else { 0.55 };
        let corners = [(x(from), y), (x(from + ms) - 1, y + 34)];
        area.draw(&Rectangle::new(corners, ink.mix(strength).filled()))?;
        from += ms;
    }
    let total = format!("{:.2} ms", bar.total());
    area.draw(&Text::new(total, (x(from) + 8, y + 9), Ink::Text.text()))?;
    area.draw(&Text::new(bar.arm.clone(), (0, y + 9), Ink::Text.text()))?;
    Ok(())
}

/// Under the bar, its pieces in order with their milliseconds; above all else what the step cost.
fn draw_words(area: &Drawing<'_>, bar: &Bar, y: i32, step: Option<f64>) -> Drawn {
    let small = Ink::Soft.text_of(TEXT - 2);
    let pieces = bar.pieces.iter().filter(|(_, ms)| *ms >= 0.005);
    let pieces: Vec<String> = pieces.map(|(name, ms)| format!("{name} {ms:.2}")).collect();
    area.draw(&Text::new(
        pieces.join(" · "),
        (LEFT, y + 39),
        small.clone(),
    ))?;
    if let (Some(step), Some(arm)) = (step, Arm::from_label(&bar.arm)) {
        let words = format!("{step:+.2} ms: {}", arm.step());
        area.draw(&Text::new(words, (LEFT, y + 57), small))?;
    }
    Ok(())
}
