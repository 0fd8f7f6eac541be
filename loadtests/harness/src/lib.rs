//! Makes one run: starts a shop, or uses one that runs elsewhere, and loads, measures and audits
//! it.
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
