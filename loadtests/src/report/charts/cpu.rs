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

/// The bar, and what is under it: so much for each line of words.
const BAR: i32 = 52;
const WORDS: i32 = 18;
const LEFT: i32 = 30;
const RIGHT: i32 = 510;
/// Characters of small text that a line has room for.
const LINE: usize = 78;

pub(crate) fn cpu(bars: &[Bar]) -> String {
    let most = bars.iter().map(Bar::total).fold(0.001, f64::max);
    let rows = bars.iter().enumerate();
    let rows: Vec<i32> = rows.map(|(n, bar)| row_height(bar, n > 0)).collect();
    let height = 10 + rows.iter().sum::<i32>() as u32;
    drawn(height, "CPU per order by component", |area| {
        let mut above: Option<(Arm, f64)> = None;
        for (n, bar) in bars.iter().enumerate() {
            let y = 8 + rows[..n].iter().sum::<i32>();
            draw_bar(area, bar, y, |ms| {
                LEFT + (ms / most * f64::from(RIGHT - LEFT)) as i32
            })?;
            let step = above.map(|(arm, ms)| (arm, bar.total() - ms));
            draw_words(area, bar, y, step)?;
            above = Arm::from_label(&bar.arm).map(|arm| (arm, bar.total()));
        }
        Ok(())
    })
}

fn row_height(bar: &Bar, has_step: bool) -> i32 {
    let lines = wrapped(bar).len() + usize::from(has_step);
    BAR + WORDS * lines as i32
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

/// Under the bar what the step from the bar above cost, and its pieces in order.
fn draw_words(area: &Drawing<'_>, bar: &Bar, y: i32, step: Option<(Arm, f64)>) -> Drawn {
    let small = Ink::Soft.text_of(TEXT - 2);
    let mut lines = vec![];
    if let (Some((above, ms)), Some(arm)) = (step, Arm::from_label(&bar.arm)) {
        let next = arm as usize == above as usize + 1;
        let what = if next { arm.step() } else { "all that differs" };
        lines.push(format!("{ms:+.2} ms against {above}: {what}"));
    }
    lines.extend(wrapped(bar));
    for (n, line) in lines.into_iter().enumerate() {
        area.draw(&Text::new(
            line,
            (LEFT, y + 40 + WORDS * n as i32),
            small.clone(),
        ))?;
    }
    Ok(())
}

/// `order-service 0.48 · postgres 0.40`, in as many lines as it takes.
fn wrapped(bar: &Bar) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (name, ms) in bar.pieces.iter().filter(|(_, ms)| *ms >= 0.005) {
        let piece = format!("{} {ms:.2}", name.trim_end_matches("-service"));
        let last = lines
            .last_mut()
            .filter(|line| line.len() + piece.len() < LINE);
        match last {
            Some(line) if line.is_empty() => *line = piece,
            Some(line) => *line += &format!(" · {piece}"),
            None => lines.push(piece),
        }
    }
    lines
}
