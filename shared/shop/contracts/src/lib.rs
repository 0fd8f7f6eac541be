//! What crosses the network: HTTP bodies, events, and the queues with their subscriptions.
//!
//! Invariants:
//! - both architectures use exactly these bodies, and one OpenAPI document describes them;
//! - [`topology`] is the one table of queues: provisioning, services, diagram and infrastructure
//!   code read it, and no queue is named elsewhere;
//! - the feature `messaging` maps events to SQS. Without it this crate knows no broker: that is how
//!   the monolith uses it.

mod diagram;
#[cfg(any(feature = "messaging", test))]
pub mod elasticmq;
pub mod event;
pub mod http;
pub mod openapi;
#[cfg(any(feature = "messaging", test))]
mod sqs;
pub mod topology;

pub use diagram::diagram;
pub use event::{Event, ExpireOrder};
#[cfg(any(feature = "messaging", test))]
pub use sqs::{consumer_options, relay_options};
pub use topology::{Queue, Settings, Subscription};
