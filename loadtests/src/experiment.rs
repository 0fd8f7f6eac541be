//! From a plan to results: runs, one after the other, each on a fresh arm.

pub mod capacity;
pub mod conduct;
pub mod drain;
mod loading;
pub mod meter;
pub mod one_run;
pub mod settling;
pub mod target;

pub use one_run::one_run;
