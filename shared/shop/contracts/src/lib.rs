//! What crosses a wire: HTTP bodies, events, and the queues with who subscribes to what.
//!
//! Invariants:
//! - both architectures speak exactly these bodies, and one OpenAPI document describes them;
//! - [`topology`] is the one table of queues: provisioning, services, diagram and infrastructure
//!   code read it, and nothing else names a queue;
//! - the feature `messaging` says how events travel on SQS; without it this crate knows of no
//!   broker, which is how the monolith uses it.

#[cfg(any(feature = "messaging", test))]
pub mod elasticmq;
pub mod event;
pub mod http;
pub mod openapi;
#[cfg(any(feature = "messaging", test))]
mod sqs;
pub mod topology;

pub use event::{Event, ExpireOrder};
#[cfg(any(feature = "messaging", test))]
pub use sqs::{consumer_options, relay_options};
pub use topology::{Queue, Settings, Subscription};
