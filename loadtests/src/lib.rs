//! The command `cargo compare`: what splitting the shop into services costs, and what it buys.
//!
//! `harness` makes the runs, `analysis` judges them, `report` shows them. This crate decides which
//! runs are made, in which sequence, and writes their results.

pub mod capacity;
pub mod cli;
pub mod commands;
mod environment;
mod experiment;
mod output;
mod plan;
mod progress;
mod provenance;
mod resume;
mod sequence;
mod settings;
mod target_access;
