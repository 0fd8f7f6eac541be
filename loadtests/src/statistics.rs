//! From runs to sentences that can be believed.
//!
//! Invariants:
//! - the unit is the run, never the request: requests of one run share its luck;
//! - arms are compared in pairs of neighbouring runs, by the logarithm of their ratio;
//! - a sentence claims a difference only beyond the equivalence band *and* the noise floor;
//! - all of it is deterministic: the bootstrap draws from a fixed seed.

pub mod bootstrap;
pub mod holm;
pub mod measures;
mod pairs;
pub mod steady;
pub mod student;
pub mod usl;
pub mod verdict;
pub mod welch;

#[cfg(test)]
mod simulation;

pub use measures::Measure;
pub use verdict::{Comparison, Finding, compare};

/// No number when there are none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}
