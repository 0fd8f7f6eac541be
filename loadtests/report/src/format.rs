//! Numbers and moments as text.

/// As many digits as matter; a dash for a number that was not measured.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "–".to_owned(),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// A fixed number of digits; a dash for a number that was not measured.
pub(crate) fn fixed(value: f64, digits: usize) -> String {
    match value.is_nan() {
        true => "–".to_owned(),
        false => format!("{value:.digits$}"),
    }
}

/// `2026-01-31 12:30 UTC`
pub(crate) fn moment(rfc3339: &str) -> String {
    let minute = rfc3339.get(..16).unwrap_or(rfc3339);
    format!("{} UTC", minute.replace('T', " "))
}
