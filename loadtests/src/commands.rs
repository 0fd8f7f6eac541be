//! The commands, each from its options to its exit code.

pub mod compare;
pub mod compare_targets;
pub mod conclude;
mod env_file;
pub mod faults;
pub mod idle;
pub mod results;
pub mod soak;
pub mod up;
