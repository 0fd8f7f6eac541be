//! What a run used, read from outside the processes that used it.

pub mod noise;
pub mod postgres;
pub mod processes;
pub mod system;

pub use processes::{Processes, Usage};
