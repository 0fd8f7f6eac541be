//! The runtime on real Postgres, on a real SQS endpoint and on queues in this process.

// Helpers of tests may unwrap, like the tests themselves.
// Nothing cancels a test, so it may begin as sqlx does.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, unreachable_pub)]

#[path = "it/batch.rs"]
mod batch;
#[path = "it/cancelled.rs"]
mod cancelled;
#[path = "it/connections.rs"]
mod connections;
#[path = "it/consumer.rs"]
mod consumer;
#[path = "it/crash.rs"]
mod crash;
#[path = "it/dead_in_order.rs"]
mod dead_in_order;
#[path = "it/dead_letters.rs"]
mod dead_letters;
#[path = "it/edge.rs"]
mod edge;
#[path = "it/flow.rs"]
mod flow;
#[path = "it/layers.rs"]
mod layers;
#[path = "it/lease.rs"]
mod lease;
#[path = "it/order.rs"]
mod order;
#[path = "it/outage.rs"]
mod outage;
#[path = "it/outbox.rs"]
mod outbox;
#[path = "it/promises.rs"]
mod promises;
#[path = "it/promises_in_order.rs"]
mod promises_in_order;
#[path = "it/redrive.rs"]
mod redrive;
#[path = "it/refusals.rs"]
mod refusals;
#[path = "it/restore.rs"]
mod restore;
#[path = "it/shore.rs"]
mod shore;
#[path = "it/shutdown.rs"]
mod shutdown;
#[path = "it/silent_database.rs"]
mod silent_database;
#[path = "it/sockets.rs"]
mod sockets;
#[path = "it/spans.rs"]
mod spans;
#[path = "it/strangers.rs"]
mod strangers;
#[path = "it/telemetry.rs"]
mod telemetry;
#[path = "it/topology.rs"]
mod topology;
#[path = "it/transaction.rs"]
mod transaction;
#[path = "it/wire.rs"]
mod wire;
#[path = "it/world.rs"]
mod world;
