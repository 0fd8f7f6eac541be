//! `cargo compare`: what splitting the shop into services costs, and what it buys.
//!
//! Invariants:
//! - both arms run as the very processes of a deployment, on fresh databases, one arm at a time;
//! - both are sent the same operations at the same times, answered before or not;
//! - a run whose audit fails has no number, and what noise explains is never called a difference.

pub mod arms;
pub mod asked;
pub mod audit;
pub mod cli;
pub mod compare;
pub mod experiment;
pub mod idle;
pub mod load;
pub mod measure;
pub mod output;
pub mod plan;
pub mod prices;
pub mod progress;
pub mod provenance;
pub mod report;
pub mod results;
pub mod resume;
pub mod sqs_latency;
pub mod statistics;
pub mod targets;
pub mod terminal;
pub mod up;
pub mod verdicts;
