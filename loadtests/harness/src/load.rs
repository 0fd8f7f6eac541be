//! The load, sent by goose.
//!
//! Invariants:
//! - in the open model an operation is sent when it is due, whether or not earlier ones were
//!   answered, and its latency counts from then: a server that stalls cannot hide its queue (no
//!   coordinated omission);
//! - all arms receive the same operations, in the same order, at the same times;
//! - the time to settled is read from the databases afterwards. Only users of the closed model wait
//!   for their orders, by polling the shop as customers do.

pub mod arrivals;
pub mod attack;
pub mod operations;
pub mod recorder;
mod sampling;
pub mod schedule;
pub mod sender;
mod steered;

pub use arrivals::Arrivals;
pub use attack::{attack, steer};
pub use operations::{Operation, Population};
pub use recorder::{Outcome, Recorder, Request};
pub use sampling::Sampling;
pub use sender::Attack;
pub use steered::SteeredRate;
