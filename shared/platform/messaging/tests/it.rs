//! The runtime on real Postgres, on a real SQS endpoint and on queues in this process.

// Helpers of tests may unwrap, like the tests themselves.
// Tests are not cancelled, so they may use sqlx's own `begin`.
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
#[path = "it/dead_letters.rs"]
mod dead_letters;
#[path = "it/dead_letters_in_order.rs"]
mod dead_letters_in_order;
#[path = "it/delays.rs"]
mod delays;
#[path = "it/direct.rs"]
mod direct;
#[path = "it/edge.rs"]
mod edge;
#[path = "it/endpoint.rs"]
mod endpoint;
#[path = "it/faulty_proxy.rs"]
mod faulty_proxy;
#[path = "it/fixture.rs"]
mod fixture;
#[path = "it/flow.rs"]
mod flow;
#[path = "it/layers.rs"]
mod layers;
#[path = "it/layers_shared.rs"]
mod layers_shared;
#[path = "it/lease.rs"]
mod lease;
#[path = "it/messages.rs"]
mod messages;
#[path = "it/order.rs"]
mod order;
#[path = "it/other_senders.rs"]
mod other_senders;
#[path = "it/outage.rs"]
mod outage;
#[path = "it/outage_shutdown.rs"]
mod outage_shutdown;
#[path = "it/outbox.rs"]
mod outbox;
#[path = "it/parked.rs"]
mod parked;
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
#[path = "it/savepoints.rs"]
mod savepoints;
#[path = "it/sendable.rs"]
mod sendable;
#[path = "it/shutdown.rs"]
mod shutdown;
#[path = "it/silent_database.rs"]
mod silent_database;
#[path = "it/sockets.rs"]
mod sockets;
#[path = "it/spans.rs"]
mod spans;
#[path = "it/telemetry.rs"]
mod telemetry;
#[path = "it/topology.rs"]
mod topology;
#[path = "it/transaction.rs"]
mod transaction;
