//! The runtime on real Postgres, on a real SQS endpoint and on queues in this process.

// Helpers of tests may unwrap, like the tests themselves.
#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "it/flow.rs"]
mod flow;
#[path = "it/world.rs"]
mod world;
