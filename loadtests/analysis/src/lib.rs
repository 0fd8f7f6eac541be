//! What may be said of the runs of a comparison: their model, the statistics and the sentences.
//!
//! Invariants:
//! - it turns values into values: no file, no clock, no network and no process, so it can judge a
//!   `results.json` from anywhere;
//! - it depends on none of our crates;
//! - the unit is the run, never the request: all requests of one run share its luck;
//! - arms are compared in pairs of neighbouring runs, by the logarithm of their ratio;
//! - a sentence claims a difference only beyond the equivalence band *and* the noise floor;
//! - it is deterministic: the bootstrap draws from a fixed seed.

pub mod caveats;
pub mod change;
pub mod faults;
pub mod headline;
pub mod measures;
pub mod model;
mod pairs;
pub mod selection;
pub mod sentences;
pub mod soak;
pub mod statistics;
pub mod verdict;

#[cfg(test)]
mod simulation;

pub use measures::Measure;
pub use verdict::{Comparison, Finding, compare};
