//! Measures what a run used, from outside the processes that used it.

pub mod machine;
pub mod noise;
pub mod postgres;
pub mod processes;
pub mod queues;
pub mod system;

pub use processes::{Processes, Usage};
