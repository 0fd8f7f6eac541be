//! The load, sent by goose.
//!
//! Invariants:
//! - in the open model an operation is due at its slot whether or not earlier ones were answered,
//!   and its latency counts from the slot: a server that stalls cannot hide its queue;
//! - both arms are sent the same operations, in the same order, at the same times;
//! - when an order settled is read from the databases afterwards; only users of the closed model
//!   wait for theirs, as customers do, by asking the shop.

pub mod attack;
pub mod pace;
pub mod recorder;
pub mod scenario;
pub mod schedule;
pub mod sender;

pub use attack::attack;
pub use pace::Pace;
pub use recorder::{Outcome, Recorder};
pub use scenario::{Operation, Scenario};
pub use sender::Attack;
