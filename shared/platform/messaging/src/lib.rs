//! The SQS runtime: outbox, relay, consumer, inbox, dead letters and queues.
//!
//! A service that changes its database *and* publishes a message has two writes and no transaction
//! around both. If it dies between them, the message is missing, or announces a change that never
//! happened. And a queue that delivers at least once delivers some messages twice. This crate is
//! the usual solution, in one place: messages are written to an **outbox** in the business
//! transaction and sent afterwards by a **relay**; a **consumer** records each message in an
//! **inbox**, in the transaction that has its effect. It knows nothing of any shop: schema,
//! messages and queue names are yours.
//!
//! Invariants:
//! - a message is sent if and only if the transaction that pushed it committed;
//! - a message has its effect once, however often it is delivered;
//! - a message is deleted from its queue only after its effect is committed, and none is dropped:
//!   one that cannot be handled goes to the dead letters with the reason.
//!
//! Large public methods return boxed futures: an `async fn` is compiled again in each crate that
//! awaits it, together with the SQS client behind it (`docs/adr/0012`).
//!
//! # Example
//!
//! A [`Message`] says where it goes. A [`Handler`] does its work in a transaction, a [`Tx`], and
//! pushes messages to it. A [`Runtime`] runs the handlers and the relay.
//!
//! ```
//! # use messaging::*;
//! # use serde::{Deserialize, Serialize};
//! #[derive(Serialize, Deserialize)]
//! struct ParcelArrived(i64);
//!
//! impl Message for ParcelArrived {
//!     const KIND: &'static str = "parcel-arrived";
//!
//!     fn destinations(&self) -> Vec<Destination> {
//!         vec!["parcels".into()]
//!     }
//! }
//!
//! async fn shelve(tx: &mut Tx, ParcelArrived(parcel): ParcelArrived) -> Result<(), Fault> {
//!     let shelve = sqlx::query("insert into shelf (parcel) values ($1)").bind(parcel);
//!     shelve.execute(&mut **tx).await?; // An error is a retry after a backoff.
//!     Ok(())
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let database = sandbox::testing::database("example").await;
//! # let db = sqlx::PgPool::connect(&database.url).await?;
//! # messaging::migrate(&db).await?; // The tables `outbox` and `inbox`.
//! # sqlx::query("create table shelf (parcel bigint)").execute(&db).await?;
//! # let (queues, stop) = (Local::new(), tokio_util::sync::CancellationToken::new());
//! let runtime = Runtime::new(&db, queues.clone()).handle("parcels", handler_fn(shelve));
//! let outbox = runtime.outbox();
//! let running = tokio::spawn(runtime.run(stop.clone()));
//!
//! let mut tx = outbox.begin().await?;
//! tx.push(&ParcelArrived(1))?;
//! tx.commit().await?; // The commit wakes the relay.
//! # let shelved = "select count(*) from shelf";
//! # while sqlx::query_scalar::<_, i64>(shelved).fetch_one(&db).await? < 1 {}
//! # stop.cancel();
//! # assert_eq!(running.await??.handled, 1);
//! # Ok(())
//! # }
//! ```
//!
//! [`Runtime::connect`] is the same on SQS. [`Local`] has queues inside the process, standard and
//! FIFO.
//!
//! # Where to read on
//!
//! | question | answer |
//! | --- | --- |
//! | How does each part work? | [`guide`], one example each |
//! | What happens to a message that fails? | [`Fault`], [`Backoff`] |
//! | How do I send a message? | [`Tx::push`], in a handler and in a request; [`Outbox::begin`] |
//! | How do I handle many messages in one statement? | [`BatchHandler`]: load, decide, save |
//! | How do I call a third party? | [`PlainHandler::then`], before the transaction |
//! | How do I work without a database? | [`Consumer::plain`], [`Transport::publish`] |
//! | Which limits and timeouts can I set? | [`ConsumerOptions`], [`RelayOptions`] |
//! | What happens on a deploy? | [`Runtime::run`] ends with a [`ShutdownSummary`] |
//! | How do I keep messages in order? | [`Message::ordering_key`] |
//! | How do I delay a message? | [`Destination::after`] |
//! | Which queues are there? | [`QueueSpec`], [`Provision`] |
//! | How do I bring my own SQS client? | [`Sqs::configured`] takes the SDK's configuration |
//! | What is in the dead letters? | [`dead_letters`], and the command `queues` (feature `cli`) |
//! | Which request caused this? | [`trace`], with OpenTelemetry's spans |
//! | Is it healthy? | [`Health`], and the metrics `messaging_*` |
//! | How do I put a timeout around handlers? | [`Runtime::layer`] takes any tower layer |
//! | How do I test my handlers? | [`handle_batch`]; [`Local`], a paused clock, [`CallFault`] |
//!
//! # Features
//!
//! `clap` makes [`Settings`] flags of a command line; `cli` builds the command `queues`, by
//! `cargo run -p messaging --features cli --bin queues`. Neither is on by default.
//!
//! # Metrics
//!
//! Metrics go through the facade of the crate `metrics`, so any recorder works. Each has the label
//! `queue` unless it says otherwise.
//!
//! | name | meaning |
//! | --- | --- |
//! | `messaging_received_total` | received messages |
//! | `messaging_polls_total` | polls, each with at most 10 messages |
//! | `messaging_messages_total` | by `outcome`: handled, retried, rejected, returned, lost |
//! | `messaging_duplicates_total` | messages that the inbox had recorded before |
//! | `messaging_sent_total` | messages that a queue has accepted |
//! | `messaging_refused_total` | entries of calls that SQS refused, by `action` and SQS's `code` |
//! | `messaging_parked_total` | messages in the outbox that their queue will never accept |
//! | `messaging_handler_seconds` | histogram: an attempt, its transaction included |
//! | `messaging_time_in_queue_seconds` | histogram: from the send to the receive, delays included |
//! | `messaging_oldest_received_seconds` | the age of the oldest message of the last poll |
//! | `messaging_pollers` | polls that are open at once |
//! | `messaging_queues_recreated_total` | queues that vanished and were created again |
//! | `messaging_queues_missing` | gauge: queues of the service that are missing; it has no label |
//! | `messaging_api_calls_total` | requests by `action`, which Amazon charges for; no `queue` |
//!
//! # Figures
//!
//! `cargo bench -p messaging` prints them. These were measured on two virtual cores, with the queue
//! server of this repository as another process, and messages of 1 KiB.
//!
//! | figure | goal | measured |
//! | --- | --- | --- |
//! | messages per second, relative to as many bare loops of the SDK, 20 ms away | 90% | 93% |
//! | the same on this machine, on one thread | 90% | 64%: **missed** |
//! | the same, relative to a loop that also requests attributes and decodes | | 75% |
//! | messages per second per core, on one thread (the bare loop: 62,000) | 40,000 | 40,000 |
//! | the same on all threads (the bare loop: 42,000) | | 30,000 |
//! | calls per 1,000 messages | 210 | 201 |
//! | messages per second, 20 ms away, within 64 connections | 10,000 | 12,200 |
//! | from 1 to 16 pollers, 20 ms away | 2 s | 0.10 s |
//! | from the commit to the start of the handler, idle | 3 ms | 2.0 ms |
//!
//! If a call takes no time, a bare loop shows the work of the SDK alone: 16 µs per message, and 2.5
//! µs more with attributes and decoding. The consumer takes 25 µs. A profile shows that 2.6 µs of
//! them are its own: leases, permits, tasks, decoding. The rest is again the SDK, with colder
//! caches, and the kernel, which has to wake the server between slower calls.
//!
//! # Not included
//!
//! Exactly-once delivery, which does not exist; request and reply over queues; a saga orchestrator;
//! other brokers.

#![warn(missing_docs)]

mod backoff;
mod connections;
mod consumer;
pub mod dead_letters;
pub mod drill;
mod envelope;
mod error;
mod fault;
pub mod guide;
mod handler;
mod health;
pub mod inbox;
mod message;
mod options;
mod outbox;
mod publish;
mod quota;
mod relay;
mod restore;
mod runtime;
mod settings;
mod spans;
mod telemetry;
mod topology;
pub mod trace;
#[allow(
    missing_docs,
    reason = "the variants of `QueueCall` explain themselves"
)]
mod transport;

use sqlx::migrate::Migrator;

pub use backoff::Backoff;
pub use consumer::{Consumer, ShutdownSummary};
pub use drill::Drill;
pub use error::Error;
pub use fault::Fault;
pub use handler::layer::{Envelope, HandlerCall, HandlerService, Phase};
pub use handler::{
    BatchHandler, Handler, HandlerFn, IntoHandler, PlainFn, PlainHandler, Then, handle_batch,
    handler_fn, kind, plain_fn,
};
pub use health::Health;
pub use message::{Destination, Message};
pub use options::{ConsumerOptions, RelayOptions};
pub use outbox::{Outbox, Savepoint, Tx};
pub use relay::Relay;
pub use runtime::Runtime;
pub use settings::Settings;
pub use topology::{Provision, QueueKind, QueueSpec};
pub use transport::{CallFault, Local, QueueCall, Sqs, Transport};

/// The migrations of the tables `outbox` and `inbox`, with versions from 9001. They ignore a
/// service's own migrations, and a service's migrator should ignore these
/// ([`Migrator::set_ignore_missing`]).
pub fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!();
    migrations.set_ignore_missing(true);
    migrations
}

/// A service's own migrations and those of the runtime, each ignoring the other.
pub fn with_migrations(mut own: Migrator) -> [Migrator; 2] {
    own.set_ignore_missing(true);
    [own, migrations()]
}

/// Creates the tables `outbox` and `inbox`, or updates them.
///
/// # Errors
/// When the database cannot be reached or has other migrations of the same versions.
pub async fn migrate(db: &sqlx::PgPool) -> Result<(), Error> {
    Ok(migrations().run(db).await?)
}
