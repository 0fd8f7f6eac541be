//! What a queue holds: what was sent, and what has happened to it since.

use std::sync::Arc;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::{GroupId, Receipt, Sequence};
use crate::attributes::Attributes;
use crate::md5::Md5;
use crate::time::Time;

/// What the sender sent. It never changes, and is shared by everyone who reads it.
#[derive(Clone, Debug)]
pub struct Content {
    pub id: Uuid,
    /// The body as the JSON string it came in and goes out as, never unescaped in between.
    pub body: Box<RawValue>,
    /// Of the body's UTF-8 bytes.
    pub md5: Md5,
    pub attributes: Attributes,
    pub trace_header: Option<String>,
    pub sender: Arc<str>,
    pub sent: Time,
    pub group: GroupId,
    pub deduplication_id: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Delayed,
    Waiting,
    InFlight,
}

/// A message in a queue.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) content: Arc<Content>,
    pub(super) history: History,
    pub(super) state: State,
    /// When the state ends of itself; a waiting message waits for ever.
    pub(super) ends: Time,
    /// When the retention period is counted from.
    pub(super) entered: Time,
    /// When it was last received: the twelve hours are counted from here.
    pub(super) leased: Time,
    /// How often it was received from this queue, which is what its redrive policy counts.
    pub(super) receives_here: u32,
    /// The latest receive; 0 when there was none in this queue.
    pub(super) receive: u64,
}

/// What a message has been through; it keeps this when it moves to a dead-letter queue.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub receive_count: u32,
    pub first_received: Option<Time>,
    /// The queue that gave the message up, as an ARN.
    pub dead_letter_source: Option<Arc<str>>,
}

/// A message on its way to a consumer.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub content: Arc<Content>,
    pub history: History,
    pub sequence: Sequence,
    pub receipt: Receipt,
}

/// A message on its way from one queue to another.
#[derive(Debug)]
pub struct Departure {
    pub content: Arc<Content>,
    pub history: History,
    pub entered: Time,
}
