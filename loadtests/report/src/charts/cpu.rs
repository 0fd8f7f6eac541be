//! CPU per order: one bar per arm, one piece per component, and the steps of the dial.

use analysis::model::{Arm, ArmName};
use plotters::prelude::*;

use super::canvas::{Drawing, Drawn, Ink, TEXT, drawn, ink_of};

/// An arm's CPU milliseconds per order by component, largest first.
pub(crate) struct Bar {
    pub(crate) arm: ArmName,
    pub(crate) pieces: Vec<(String, f64)>,
}

impl Bar {
    fn total(&self) -> f64 {
        self.pieces.iter().map(|(_, ms)| ms).sum()
    }
}

/// The height of a bar with its gap, and of each line of text under it.
const BAR: i32 = 56;
const WORDS: i32 = 20;
const THICK: i32 = 34;
/// Where the bars begin: right of the arm's code, or of `A0 again`.
const LEFT: i32 = 34;
const LEFT_OF_AGAIN: i32 = 92;
const RIGHT: i32 = 500;
/// Characters of small text that a line has room for, on a phone too.
const LINE: usize = 61;

/// A bar with its place in the drawing.
struct Row<'a> {
    bar: &'a Bar,
    y: i32,
    words: Vec<String>,
    /// The arm above and its total, where the step from it is shown.
    above: Option<(Arm, f64)>,
}

pub(crate) fn cpu(bars: &[Bar]) -> String {
    let most = bars.iter().map(Bar::total).fold(0.001, f64::max);
    let again = bars.iter().any(|bar| bar.arm.to_string().len() > 2);
    let left = if again { LEFT_OF_AGAIN } else { LEFT };
    let x = |ms: f64| left + (ms / most * f64::from(RIGHT - left)) as i32;
    let mut rows: Vec<Row<'_>> = vec![];
    let mut y = 8;
    for bar in bars {
        let last = rows.last().map(|row| row.bar);
        let above = last.and_then(|bar| Some((bar.arm.arm()?, bar.total())));
        let words = words(bar, above);
        let height = BAR + WORDS * words.len() as i32;
        rows.push(Row {
            bar,
            y,
            words,
            above,
        });
        y += height;
    }
    drawn(y as u32 + 4, "CPU per order by component", |area| {
        for row in &rows {
            draw_bar(area, row, &x)?;
            draw_step(area, row, &x)?;
            for (n, line) in row.words.iter().enumerate() {
                let at = (left, row.y + 44 + WORDS * n as i32);
                let small = Ink::Soft.text_of(TEXT - 2);
                area.draw(&Text::new(line.clone(), at, small))?;
            }
        }
        Ok(())
    })
}

/// Neighbouring pieces differ in strength.
fn draw_bar(area: &Drawing<'_>, row: &Row<'_>, x: &impl Fn(f64) -> i32) -> Drawn {
    let (bar, y) = (row.bar, row.y);
    let ink = ink_of(&bar.arm).color();
    let mut from = 0.0;
    for (n, (_, ms)) in bar.pieces.iter().enumerate() {
        let strength = if n % 2 == 0 { 0.85 } else { 0.55 };
        let corners = [(x(from), y), (x(from + ms) - 1, y + THICK)];
        area.draw(&Rectangle::new(corners, ink.mix(strength).filled()))?;
        from += ms;
    }
    let total = format!("{:.2} ms", bar.total());
    area.draw(&Text::new(total, (x(from) + 8, y + 9), Ink::Text.text()))?;
    area.draw(&Text::new(
        bar.arm.to_string(),
        (0, y + 9),
        Ink::Text.text(),
    ))?;
    Ok(())
}

/// The waterfall: a line from the end of the bar above to the end of this one.
fn draw_step(area: &Drawing<'_>, row: &Row<'_>, x: &impl Fn(f64) -> i32) -> Drawn {
    let Some((_, above)) = row.above else {
        return Ok(());
    };
    let (from, to) = (x(above), x(row.bar.total()));
    let (top, bottom) = (row.y - 8, row.y + THICK + 4);
    let thin = Ink::Text.color().stroke_width(1);
    area.draw(&PathElement::new([(from, top), (from, bottom)], thin))?;
    let step = Ink::Text.color().stroke_width(3);
    area.draw(&PathElement::new([(from, bottom), (to, bottom)], step))?;
    Ok(())
}

/// The cost of the step from the bar above, then the pieces: `order 0.48 · postgres 0.40`.
fn words(bar: &Bar, above: Option<(Arm, f64)>) -> Vec<String> {
    let mut lines = vec![];
    if let (Some((above, ms)), Some(arm)) = (above, bar.arm.arm()) {
        let next = arm as usize == above as usize + 1;
        let what = if next { arm.adds() } else { "all that differs" };
        let step = format!("{:+.2} ms against {above}: {what}", bar.total() - ms);
        lines.extend(wrapped(step.split(' '), " "));
    }
    let pieces = bar.pieces.iter().filter(|(_, ms)| *ms >= 0.005);
    let pieces: Vec<String> = pieces
        .map(|(name, ms)| format!("{} {ms:.2}", name.trim_end_matches("-service")))
        .collect();
    lines.extend(wrapped(pieces.iter().map(String::as_str), " · "));
    lines
}

/// Breaks the parts into lines.
fn wrapped<'a>(parts: impl Iterator<Item = &'a str>, between: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for part in parts {
        let length = |text: &str| text.chars().count();
        let last = lines.last_mut();
        match last.filter(|line| length(line) + length(part) < LINE) {
            Some(line) => *line += &format!("{between}{part}"),
            None => lines.push(part.to_owned()),
        }
    }
    lines
}
