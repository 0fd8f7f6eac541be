//! The parts that all charts share: inks, a frame, axes and numbers.

use analysis::model::ArmName;
use plotters::prelude::*;
use plotters::style::RGBColor;
use plotters::style::text_anchor::Pos;

/// A colour that the page defines. A drawing has only its name.
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
pub(crate) const TEXT: i32 = 15;
/// Room for five digits and the name of the axis, also in the larger type of a narrow screen.
pub(crate) const Y_LABELS: u32 = 84;

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

    /// A placeholder colour that nothing else in the drawing has.
    pub(crate) fn color(self) -> RGBColor {
        let place = Ink::ALL
            .iter()
            .position(|(ink, _)| *ink == self)
            .unwrap_or(0) as u8;
        RGBColor(1, 2, 10 + place)
    }

    pub(crate) fn text(self) -> TextStyle<'static> {
        self.text_of(TEXT)
    }

    pub(crate) fn text_of(self, size: i32) -> TextStyle<'static> {
        let font = ("sans-serif", size).into_font();
        TextStyle {
            font,
            color: self.color().to_backend_color(),
            pos: Pos::default(),
        }
    }
}

/// The ink of an arm, by its place on the dial. The repeat of an arm has another ink.
pub(crate) fn ink_of(name: &ArmName) -> Ink {
    let place = name.arm().map_or(0, |arm| arm as usize);
    match name.is_repeat() || name.is_baseline() {
        true => Ink::Arm((place + 2) % 4),
        false => Ink::Arm(place),
    }
}

/// The CSS variable of an arm's ink.
pub(crate) fn variable_of(name: &ArmName) -> String {
    let found = Ink::ALL.iter().find(|(ink, _)| *ink == ink_of(name));
    format!("var(--{})", found.map_or("ink", |(_, name)| name))
}

pub(crate) type Drawing<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
pub(crate) type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws, and replaces placeholder colours by variables of the page. The report shows the error of
/// a drawing that fails.
pub(crate) fn drawn(height: u32, title: &str, draw: impl Fn(&Drawing<'_>) -> Drawn) -> String {
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

/// A range around all of these values, for a logarithmic axis.
pub(crate) fn log_range(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
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
pub(crate) fn plain(value: f64) -> String {
    match value {
        value if value >= 10.0 => format!("{value:.0}"),
        value if value >= 1.0 => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        0.0 => "0".to_owned(),
        value => format!("{value:.2}"),
    }
}
