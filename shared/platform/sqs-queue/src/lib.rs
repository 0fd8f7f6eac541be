//! One SQS queue as a value. It has no lock, no clock, no task and no I/O: every operation is given
//! the time, so fourteen days of retention pass in a test as fast as it can count.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use sqs_queue::{Content, Queue, Receive, Settings, Time};
//!
//! let mut queue = Queue::new(1, Settings::new(false));
//! let content = Content {
//!     id: Default::default(),
//!     group: None,
//!     deduplication_id: None,
//!     payload: "hello",
//! };
//! queue.send(Time(0), Arc::new(content), None);
//!
//! let received = queue.receive(Time(0), &Receive { max: 10, ..Receive::default() });
//! let receipt = received.deliveries[0].receipt;
//! assert_eq!(queue.depth(Time(0)).in_flight, 1);
//!
//! // The default visibility timeout is 30 s. Then the message can be received again.
//! let later = Time(0) + Duration::from_secs(30);
//! assert_eq!(queue.depth(later).waiting, 1);
//! queue.delete(later, receipt).unwrap();
//! ```
//!
//! # States
//!
//! A message is in one of three states. In each of them it has exactly one timer:
//!
//! ```text
//!   send ──► Delayed ──delay ends──► Waiting ──receive──► InFlight ──delete──► gone
//!        └───── no delay ─────────►     ▲ └─retention─► gone   │
//!                                       └──── visibility ends ─┘
//! ```
//!
//! # What to read, in this order
//!
//! | file | question it answers |
//! | --- | --- |
//! | `queue.rs` | what happens to a message, and when? |
//! | `message.rs`, `delivery.rs` | what does a queue store per message, and hand out? |
//! | `transitions.rs` | how does a message change its state? |
//! | `receive.rs` | which messages does a consumer get? |
//! | `groups.rs` | which message is next: FIFO groups and fair queues |
//! | `acknowledge.rs` | what may a consumer do with a received message? |
//! | `timers.rs` | how does a queue find what is due? |
//! | `deduplication.rs` | what does a FIFO queue remember, and for how long? |
//! | `receipt.rs` | what is a receipt handle? |
//! | `messages.rs`, `peek.rs` | how is a message found, or seen without receiving it? |
//! | `changes.rs`, `recorder.rs`, `restore.rs` | how does a queue survive its process? |
//! | `faults.rs` | which faults can a test inject? |
//!
//! # Invariants
//!
//! * A message is in the line of its group exactly when it is `Waiting`.
//! * No other receive gets a message while it is `InFlight`.
//! * The cost of an operation does not grow with the number of messages, except for the logarithm
//!   in the sub-queues and in the heap of timers.

mod acknowledge;
mod changes;
mod deduplication;
mod delivery;
pub mod faults;
mod groups;
mod message;
mod messages;
mod peek;
mod queue;
mod receipt;
mod receive;
mod recorder;
mod restore;
mod settings;
mod time;
mod timers;
mod transitions;

pub use acknowledge::LONGEST_VISIBILITY;
pub use changes::{Attempt, Changes, Origin, Progress, Sent};
pub use deduplication::INTERVAL;
pub use delivery::{Delivery, Departure};
pub use message::{Content, GroupId, History, Message, Sequence, State};
pub use queue::{Depth, Queue, Totals};
pub use receipt::{Receipt, Refusal};
pub use receive::{MOST_IN_FLIGHT, Receive, Received};
pub use settings::{Scope, Settings};
pub use time::Time;
