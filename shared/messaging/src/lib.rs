//! The SQS runtime: outbox, relay, consumer, inbox, dead letters and queues.
//!
//! A service that changes its database *and* tells others of it has two writes and no transaction
//! around both. If it dies between them, either nobody hears of what happened, or everybody hears
//! of what did not. And a queue that delivers at least once will deliver twice some day. This
//! crate is the usual answer, in one place: messages are written to an **outbox** in the business
//! transaction and sent afterwards by a **relay**; a **consumer** notes each in an **inbox**, in
//! the very transaction that has its effect. It knows nothing of any shop: bring your own schema,
//! messages and queue names.
//!
//! Invariants:
//! - a message is sent if and only if the transaction that pushed it committed;
//! - a message has its effect once, however often it is delivered;
//! - nothing is deleted from a queue before its effect is committed, and nothing is ever dropped:
//!   what cannot be handled goes to the dead letters with the reason.
//!
//! Where a service calls in and much is awaited behind the call, the future is boxed: an `async fn`
//! is compiled again in each crate that awaits it, and behind these lie all of SQS's client.
//!
//! # From nothing
//!
//! A [`Message`] says where it goes. A [`Handler`] does its work in a transaction of the runtime's
//! and pushes what it has to tell. A [`Service`] runs the handlers, the relay, or both.
//!
//! ```
//! use messaging::{Destination, Fault, Handler, Local, Message, QueueSpec, Service, outbox};
//! use serde::{Deserialize, Serialize};
//! use sqlx::PgConnection;
//! use tokio_util::sync::CancellationToken;
//!
//! #[derive(Serialize, Deserialize)]
//! struct ParcelBrought {
//!     parcel: i64,
//! }
//!
//! impl Message for ParcelBrought {
//!     const KIND: &'static str = "parcel-brought";
//!
//!     fn destinations(&self) -> Vec<Destination> {
//!         vec!["parcels".into()]
//!     }
//! }
//!
//! struct Shelve;
//!
//! impl Handler for Shelve {
//!     type Message = ParcelBrought;
//!
//!     async fn handle(&self, tx: &mut PgConnection, brought: ParcelBrought) -> Result<(), Fault> {
//!         if brought.parcel < 0 {
//!             return Err(Fault::reject("no parcel has such a number"));
//!         }
//!         let shelve = sqlx::query("insert into shelf (parcel) values ($1)");
//!         shelve.bind(brought.parcel).execute(tx).await?; // An error here is tried again.
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let database = sandbox::testing::database("example").await;
//! let db = sqlx::PgPool::connect(&database.url).await?;
//! messaging::migrate(&db).await?; // The tables `outbox` and `inbox`.
//! sqlx::query("create table shelf (parcel bigint)").execute(&db).await?;
//!
//! // `Service::connect(&db, &settings)` would be on SQS; this is on queues inside the process.
//! let queues = Local::new();
//! let service = Service::new(&db, queues.clone()).handle(QueueSpec::new("parcels"), Shelve);
//! let relay = service.relay();
//! let stop = CancellationToken::new();
//! let running = tokio::spawn(service.run(stop.clone()));
//!
//! let mut tx = database::begin(&db).await?;
//! outbox::push(&mut tx, &ParcelBrought { parcel: 1 }).await?;
//! outbox::push(&mut tx, &ParcelBrought { parcel: -1 }).await?;
//! tx.commit().await?;
//! relay.wake();
//!
//! let shelved = "select count(*) from shelf";
//! while sqlx::query_scalar::<_, i64>(shelved).fetch_one(&db).await? < 1 {}
//! while queues.depth("parcels-dlq") < 1 {
//!     tokio::task::yield_now().await;
//! }
//! stop.cancel();
//! let drained = running.await??;
//! assert_eq!((drained.handled, drained.rejected), (1, 1));
//! # Ok(())
//! # }
//! ```
//!
//! # Where to read on
//!
//! | question | answer |
//! | --- | --- |
//! | Show me each of it at work? | [`guide`] |
//! | What becomes of a message that fails? | [`Fault`], [`Backoff`] |
//! | How do I handle many in one statement? | [`BatchHandler`], [`TwoPhaseBatchHandler`] |
//! | How do I call a third party? | [`TwoPhaseHandler`] |
//! | And without a database? | [`PlainHandler`], [`Transport::publish`] |
//! | How many at once, how long, how often? | [`Limits`], each with its reason |
//! | What happens on a deploy? | [`Service::run`] ends with [`Drained`] |
//! | In which order? | [`Message::ordering_key`] |
//! | Later? | [`Destination::after`] |
//! | Which queues are there? | [`QueueSpec`], [`Provision`] |
//! | What is in the dead letters? | [`dead_letters`], and `cargo run -p messaging --bin queues` |
//! | Which request caused this? | [`trace`], with OpenTelemetry's spans |
//! | Is it well? | [`Health`], and the metrics `messaging_*` |
//! | How do I put a timeout around it all? | [`Service::layer`] takes any tower layer |
//! | How do I test my own? | [`Local`], on a paused clock, and with [`Mishap`]s |
//!
//! # Metrics
//!
//! By the facade of the crate `metrics`, so any recorder will do. Each but the last is labelled
//! with its `queue`.
//!
//! | name | what |
//! | --- | --- |
//! | `messaging_received_total`, `messaging_polls_total` | messages by polls: 10 at best |
//! | `messaging_messages_total` | by `outcome`: handled, retried, rejected, released or lost |
//! | `messaging_duplicates_total` | messages that the inbox knew |
//! | `messaging_sent_total` | messages that a queue has taken |
//! | `messaging_refused_total` | entries of calls that SQS refused, by `action` and SQS's `code` |
//! | `messaging_parked_total` | messages in the outbox that no queue will ever take |
//! | `messaging_handler_seconds` | histogram: an attempt, its transaction included |
//! | `messaging_time_in_queue_seconds` | histogram: from the send to the receive, delays included |
//! | `messaging_oldest_received_seconds` | the age of the oldest message of the last poll |
//! | `messaging_pollers` | polls that are open at once |
//! | `messaging_queues_recreated_total` | queues that vanished and were created again |
//! | `messaging_queues_missing` | gauge: the service's queues that are not there, without a label |
//! | `messaging_api_calls_total` | requests by `action`, with retries: what Amazon charges for |
//!
//! # Figures
//!
//! `cargo bench -p messaging` prints them; these are of two virtual cores, with the queue server of
//! this repository as another process, and messages of 1 KiB.
//!
//! | | aim | measured |
//! | --- | --- | --- |
//! | messages a second beside as many bare loops of the SDK, 20 ms away | 90% | 93% |
//! | the same on this machine, on one thread | 90% | 64%: **missed** |
//! | and beside a loop that also asks what the messages are, and decodes them | | 75% |
//! | messages a second of a core, on one thread (the bare loop: 62,000) | 40,000 | 40,000 |
//! | the same on all threads (the bare loop: 42,000) | | 30,000 |
//! | calls for 1,000 messages | 210 | 201 |
//! | messages a second, 20 ms away, within 64 connections | 10,000 | 12,200 |
//! | from 1 to 16 pollers, 20 ms away | 2 s | 0.10 s |
//! | from the commit to the handler's start, at rest | 3 ms | 2.0 ms |
//!
//! Where a call takes no time, all that a bare loop shows is the work of the SDK: 16 µs a message,
//! and 2.5 more to learn what a message is and how often it came. The consumer takes 25. By the
//! profile 2.6 of them are its own: leases, permits, tasks, decoding. The rest is again the SDK,
//! with colder caches, and the kernel, which has to wake a server that rests between slower calls.
//!
//! # What is not here
//!
//! No exactly-once delivery, as there is none; no request and reply over queues; no saga
//! orchestrator; no other broker.

mod backoff;
mod connections;
mod consumer;
pub mod dead_letters;
mod error;
mod fault;
pub mod guide;
mod handler;
mod health;
pub mod inbox;
mod layer;
mod message;
pub mod outbox;
mod process;
mod relay;
mod restore;
mod service;
mod settings;
mod spans;
mod telemetry;
mod topology;
pub mod trace;
mod transport;

use sqlx::migrate::Migrator;

pub use backoff::Backoff;
pub use consumer::{Consumer, Drained, Limits};
pub use error::Error;
pub use fault::Fault;
pub use handler::{BatchHandler, Handler, PlainHandler, TwoPhaseBatchHandler, TwoPhaseHandler};
pub use health::Health;
pub use layer::{Attempt, Envelope, Handling, Phase};
pub use message::{Destination, Message};
pub use relay::Relay;
pub use service::Service;
pub use settings::{Provision, Settings};
pub use topology::{QueueKind, QueueSpec};
pub use transport::{Call, Local, Mishap, Sqs, Transport};

/// What creates the tables `outbox` and `inbox`. It ignores a service's own migrations, and a
/// service's migrator should ignore these ([`Migrator::set_ignore_missing`]); their versions begin
/// at 9001.
pub fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!();
    migrations.set_ignore_missing(true);
    migrations
}

/// Creates the tables `outbox` and `inbox`, or brings them up to date.
///
/// # Errors
/// When the database cannot be reached or has other migrations of the same versions.
pub async fn migrate(db: &sqlx::PgPool) -> Result<(), Error> {
    Ok(migrations().run(db).await?)
}
