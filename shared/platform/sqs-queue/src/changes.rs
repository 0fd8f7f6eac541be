//! What has changed in a queue, for a caller that keeps the queue on disk.
//!
//! A change is the state that it led to, not the operation that led there: a message as it is now,
//! or that it is gone. So a change may be stored twice, and reading it back repeats no decision.

use std::sync::Arc;

use uuid::Uuid;

use crate::message::{GroupId, Message, Sequence};
use crate::receipt::Receipt;
use crate::settings::Scope;
use crate::time::Time;

/// Everything that has changed since the last [`crate::Queue::take_changes`]. The parts apply in
/// the order of the fields.
#[derive(Debug)]
pub struct Changes<P> {
    /// The queue was emptied, and its memory with it.
    pub purged: bool,
    /// Each changed message as it is now; `None` if it is gone.
    pub messages: Vec<(Sequence, Option<Message<P>>)>,
    /// Messages with a later sequence are new. Of the others, the content is unchanged.
    pub last_known: Sequence,
    /// Where messages of this queue came from. They are gone from there.
    pub arrived_from: Vec<Origin>,
    pub sent: Vec<Sent>,
    pub attempts: Vec<Attempt>,
    pub progress: Progress,
}

/// Where a message that moves was before. It stays there in the caller's store until the queue that
/// it moves to reports it, so that no crash in between loses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The id of the queue.
    pub queue: u64,
    pub sequence: Sequence,
}

/// A FIFO queue accepted a message with this deduplication id.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: Time,
    /// The group, if the id is unique per group.
    pub group: GroupId,
    pub deduplication_id: Arc<str>,
    pub message: Uuid,
    pub sequence: Sequence,
}

/// A FIFO queue answered a receive attempt with an id.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub at: Time,
    pub id: Arc<str>,
    pub receipts: Vec<Receipt>,
}

/// The counters of a queue, which never go back, and a change of its settings that is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub last_sequence: Sequence,
    pub last_receive: u64,
    /// The deduplication scope before the latest change, and until when it still holds.
    pub old_scope: Option<(Scope, Time)>,
}
