//! SQS on this machine: a queue server for any AWS SDK, in process or as a process of its own. It
//! is also meant to be read: it shows what SQS does, and how.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! let sqs = sqs_local::SqsLocal::start(("127.0.0.1", 0)).await?;
//! println!("set the SDK's endpoint to {}", sqs.endpoint());
//! # Ok(())
//! # }
//! ```
//!
//! # How a message lives
//!
//! A sender puts a message in a queue. A consumer *receives* it, does its work, and *deletes* it. A
//! receive does not remove the message: it hides the message from other consumers for the
//! **visibility timeout**. A consumer that dies never deletes, so the message becomes visible
//! again: *at least once*. Each receive issues a **receipt handle**, the right to delete the
//! message or to extend its timeout. A message that is received too often without a delete moves to
//! the **dead-letter queue**, where a person reads it and moves it back.
//!
//! # What to read, in this order
//!
//! What happens to a message stands in the crate [`sqs_queue`], a value without a clock, a lock or
//! a network. Read its page first, then:
//!
//! | file | question it answers |
//! | --- | --- |
//! | `shared_queue.rs` | how do many clients share a queue, and what wakes a waiting receive? |
//! | `receiving.rs` | how does a receive wait, and what if its client disconnects? |
//! | `clock.rs` | what time is it? |
//! | `data.rs` and its folder | how do messages survive a `kill -9`? |
//!
//! The other files do not change what happens to a message. They are long because Amazon has many
//! rules and many texts, and clients see all of them. Read the one you need:
//!
//! | files | lines, about | question they answer |
//! | --- | --- | --- |
//! | `api.rs` and its folder | 1,700 | what does each of the 23 actions accept, do and answer? |
//! | `settings.rs`, `redrive.rs`, `attributes.rs` and its folder | 800 | what may a client set? |
//! | `move_task.rs` and its folder | 400 | how do dead letters come back? |
//! | `queues.rs`, `region.rs`, `account.rs`, `partition.rs` | 400 | which queues exist, where? |
//! | `http.rs`, `head.rs`, `error.rs`, `server.rs` and others | 700 | how does it cross the wire? |
//! | `faults.rs`, `fault_injector.rs` | 300 | which faults happen at Amazon, and here on request? |
//! | `control.rs`, `control_http.rs`, `origin.rs` | 300 | how does a test look inside? |
//!
//! # Invariants
//!
//! * Every operation on a queue is given the time, and first does everything that was due by then.
//!   So counts are right, and a test on tokio's paused clock sees fourteen days at once.
//! * One lock per queue, and never two at a time. A message on its way to another queue is under
//!   neither lock.
//! * A change that makes a message visible hands it to the receive that has waited longest, under
//!   the same lock. Nothing polls.
//! * A client that disconnects takes no message with it.
//! * With a data directory, no answer leaves before all that happened before it is stored.

mod account;
mod action;
mod api;
mod attributes;
mod clock;
mod control;
mod control_http;
mod data;
mod error;
mod fault_injector;
mod faults;
mod head;
mod http;
mod md5;
mod message;
mod move_task;
mod origin;
mod partition;
mod queues;
mod receiving;
mod redrive;
mod region;
mod server;
mod settings;
mod shared_queue;

pub use account::Options;
pub use action::ACTIONS;
pub use attributes::{Attribute, Attributes};
pub use control::{Control, Peeked, QueueStatus};
pub use data::{Data, DataError, SyncMode};
pub use error::Error;
pub use faults::{Faults, Latency};
pub use server::SqsLocal;
