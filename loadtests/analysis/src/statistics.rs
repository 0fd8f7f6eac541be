//! Statistics of plain numbers. Nothing here knows a run.

pub mod bootstrap;
pub mod holm;
pub mod interval;
pub mod sample;
pub mod steady;
pub mod student;
pub mod usl;

#[cfg(test)]
pub(crate) mod normal;

pub use interval::Interval;
pub use sample::median;
