//! SQS on this machine: a queue server that any AWS SDK takes for Amazon's, in process or as a
//! process of its own. It is also meant to be read: this is what SQS does, and how.
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
//! A sender puts a message in a queue; a consumer *receives* it, does its work, and *deletes* it.
//! Receiving does not take the message out: it hides it from other consumers for the **visibility
//! timeout**. A consumer that dies never deletes, so the message comes back: *at least once*. What
//! a receive gives is a **receipt handle**, the right to delete the message or to extend its
//! timeout. A message that is received too often without being deleted goes to the **dead-letter
//! queue**, where a person looks at it and moves it back.
//!
//! # What to read, in this order
//!
//! SQS itself is fifteen hundred lines. Most of them are a value that knows no clock, no lock and
//! no network:
//!
//! | file | question it answers |
//! | --- | --- |
//! | [`queue`] | what happens to a message, and when? |
//! | `queue/message.rs` | what does a queue know of a message? |
//! | `queue/transitions.rs` | how does a message change its state? |
//! | `queue/receive.rs` | what does a consumer get? |
//! | `queue/groups.rs` | which message is next: FIFO groups and fair tenants |
//! | `queue/acknowledge.rs` | what may a consumer do with what it got? |
//! | `queue/timers.rs` | how does a queue know what is due? |
//! | `queue/deduplication.rs` | what does a FIFO queue remember, and for how long? |
//! | `queue/receipt.rs` | what is a receipt handle? |
//! | `queue/messages.rs`, `queue/look.rs` | how is a message found, or seen without receiving it? |
//! | `host.rs`, `host/guards.rs` | how does a receive wait, and what if its client goes away? |
//! | `time.rs` | what time is it? |
//!
//! The other two thirds do not change what happens to a message. They are long because Amazon has
//! many rules and many words, and clients see all of them; read the one you need:
//!
//! | files | lines, about | question they answer |
//! | --- | --- | --- |
//! | `api/` | 1,700 | what does each of the 23 actions want, do and answer? |
//! | `settings.rs`, `redrive.rs`, `attributes.rs` and its folder | 800 | what may a client set? |
//! | `move_task.rs` | 200 | how do dead letters come back? |
//! | `directory.rs`, `service.rs`, `cloud.rs`, `region.rs` | 450 | which queues are there, where? |
//! | `http.rs`, `head.rs`, `error.rs`, `server.rs` and others | 700 | how does it cross the wire? |
//! | `misbehaviour.rs` | 250 | what goes wrong at Amazon, and here on request? |
//! | `control.rs`, `control_http.rs`, `origin.rs` | 300 | what goes on inside, and who may ask? |
//!
//! # What always holds
//!
//! * Every operation on a queue is given the time, and first lets everything happen that was due
//!   by then; so counts are right, and a test on tokio's paused clock sees fourteen days at once.
//! * One lock per queue, and never two at a time. A message on its way to another queue is under
//!   neither lock.
//! * What makes a message available hands it to the receive that has waited longest, under the
//!   same lock. Nothing polls.
//! * A client that goes away takes no message with it.

mod api;
mod attributes;
mod cloud;
mod control;
mod control_http;
mod directory;
mod error;
mod head;
mod host;
mod http;
mod md5;
mod misbehaviour;
mod move_task;
mod origin;
pub mod queue;
mod redrive;
mod region;
mod server;
mod service;
mod settings;
mod time;

pub use attributes::{Attribute, Attributes};
pub use cloud::{ACTIONS, Options};
pub use control::{Control, Peeked, QueueStatus};
pub use error::Error;
pub use md5::Md5;
pub use misbehaviour::{Latency, Misbehaviour};
pub use redrive::{RedriveAllowPolicy, RedrivePolicy};
pub use server::SqsLocal;
pub use settings::{Encryption, Pairs, Scope, Settings};
pub use time::Time;
