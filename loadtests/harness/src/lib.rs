//! How one run is made: a shop is started, or found elsewhere; it is loaded, measured and audited.
//!
//! Invariants:
//! - an arm runs as the processes of a real deployment, on fresh databases, one arm at a time;
//! - all arms receive the same operations at the same times, whether or not they answer;
//! - one procedure, [`run::run`], makes every run, here and elsewhere;
//! - a run whose audit fails has no number.

pub mod audit;
pub mod deployment;
pub mod load;
pub mod measure;
pub mod run;
pub mod sqs_latency;
