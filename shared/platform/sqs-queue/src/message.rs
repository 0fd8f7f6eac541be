//! What a queue stores per message: what was sent, and what has happened to it since.

use std::sync::Arc;

use uuid::Uuid;

use crate::time::Time;

/// A message's place in its queue. On a FIFO queue it is the sequence number.
pub type Sequence = u64;

/// A message group, if the message has one.
pub type GroupId = Option<Arc<str>>;

/// A message as sent. It never changes, and all readers share it. The queue does not look at the
/// payload.
#[derive(Clone, Debug)]
pub struct Content<P> {
    pub id: Uuid,
    pub group: GroupId,
    pub deduplication_id: Option<Arc<str>>,
    pub payload: P,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Delayed,
    Waiting,
    InFlight,
}

/// A message in a queue.
#[derive(Debug)]
pub struct Message<P> {
    pub content: Arc<Content<P>>,
    pub history: History,
    pub state: State,
    /// When the state ends by itself; `Waiting` never does.
    pub ends: Time,
    /// When the retention period began.
    pub entered: Time,
    /// When it was last received. The limit of twelve hours counts from here.
    pub received: Time,
    /// Receives from this queue, which is what its redrive policy counts.
    pub receives_here: u32,
    /// The number of the latest receive; 0 if this queue has not delivered it yet.
    pub receive: u64,
}

/// What has happened to a message. It keeps this when it moves to a dead-letter queue.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub receive_count: u32,
    pub first_received: Option<Time>,
    /// The name or ARN of the queue that moved the message to a dead-letter queue.
    pub dead_letter_source: Option<Arc<str>>,
}

/// Cheap, and possible for every payload: the content is shared.
impl<P> Clone for Message<P> {
    fn clone(&self) -> Message<P> {
        Message {
            content: self.content.clone(),
            history: self.history.clone(),
            ..*self
        }
    }
}
