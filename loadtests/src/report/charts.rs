//! The report's drawings: SVG that takes its colours from the page, so that it is dark where the
//! page is dark.

mod capacity;
mod cpu;
mod forest;
mod latency;
mod over_time;

use plotters::prelude::*;
use plotters::style::RGBColor;
use plotters::style::text_anchor::Pos;

pub(crate) use capacity::{capacity, cost};
pub(crate) use cpu::{Bar, cpu};
pub(crate) use forest::forest;
pub(crate) use latency::latency;
pub(crate) use over_time::over_time;

/// Stands in the drawing for a colour of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ink {
    Paper,
    Text,
    Soft,
    Line,
    Band,
    Arm(usize),
}

const WIDTH: u32 = 600;
const TEXT: i32 = 15;

impl Ink {
    const ALL: [(Ink, &'static str); 9] = [
        (Ink::Paper, "paper"),
        (Ink::Text, "ink"),
        (Ink::Soft, "soft"),
        (Ink::Line, "line"),
        (Ink::Band, "band"),
        (Ink::Arm(0), "a0"),
        (Ink::Arm(1), "a1"),
        (Ink::Arm(2), "a2"),
        (Ink::Arm(3), "a3"),
    ];

    /// A colour that nothing else in the drawing has.
    fn color(self) -> RGBColor {
        let place = Ink::ALL
            .iter()
            .position(|(ink, _)| *ink == self)
            .unwrap_or(0) as u8;
        RGBColor(1, 2, 10 + place)
    }

    fn text(self) -> TextStyle<'static> {
        self.text_of(TEXT)
    }

    fn text_of(self, size: i32) -> TextStyle<'static> {
        let font = ("sans-serif", size).into_font();
        TextStyle {
            font,
            color: self.color().to_backend_color(),
            pos: Pos::default(),
        }
    }
}

/// The ink of an arm, by its place on the dial; an arm that is there again is drawn in another.
pub(crate) fn ink_of(label: &str) -> Ink {
    let place = crate::arms::Arm::from_label(label).map_or(0, |arm| arm as usize);
    if label.contains("again") {
        Ink::Arm((place + 2) % 4)
    } else {
        Ink::Arm(place)
    }
}

/// The CSS variable of an arm's ink.
pub(crate) fn variable_of(label: &str) -> String {
    let found = Ink::ALL.iter().find(|(ink, _)| *ink == ink_of(label));
    format!("var(--{})", found.map_or("ink", |(_, name)| name))
}

type Drawing<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws, and hands the colours to the page. A drawing that fails says so in the report.
fn drawn(height: u32, title: &str, draw: impl Fn(&Drawing<'_>) -> Drawn) -> String {
    let mut svg = String::new();
    let outcome = {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        draw(&area).and_then(|()| Ok(area.present()?))
    };
    if let Err(error) = outcome {
        return format!("<p class=\"note\">This could not be drawn: {error}</p>");
    }
    for (ink, name) in Ink::ALL {
        let RGBColor(r, g, b) = ink.color();
        for attribute in ["fill", "stroke"] {
            let fixed = format!("{attribute}=\"#{r:02X}{g:02X}{b:02X}\"");
            svg = svg.replace(&fixed, &format!("style=\"{attribute}:var(--{name})\""));
        }
    }
    let size = format!("width=\"{WIDTH}\" height=\"{height}\" ");
    let head = format!("role=\"img\" aria-label=\"{title}\" ");
    svg.replacen(&size, &head, 1)
}

/// A range that holds all of these with a little room, for a logarithmic axis.
fn log_range(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for value in values.filter(|value| value.is_finite() && *value > 0.0) {
        low = low.min(value);
        high = high.max(value);
    }
    if low > high {
        0.1..10.0
    } else {
        low / 1.15..high * 1.15
    }
}

/// 0.5, 12, 1,250: as many digits as matter.
fn plain(value: f64) -> String {
    match value {
        value if value >= 10.0 => format!("{value:.0}"),
        value if value >= 1.0 => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        0.0 => "0".to_owned(),
        value => format!("{value:.2}"),
    }
}
