//! The clock of all events: milliseconds since 1970.

use std::time::{SystemTime, UNIX_EPOCH};

/// A part of a millisecond is in the fraction.
pub(crate) fn now_ms() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64() * 1_000.0
}
