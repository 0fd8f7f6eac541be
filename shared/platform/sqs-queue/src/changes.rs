//! What has changed in a queue, for a caller that keeps the queue on disk, and the way back from
//! there.
//!
//! A change is the state that it led to, not the operation that led there: a message as it is now,
//! or that it is gone. So a change may be stored twice, and reading it back repeats no decision.

use std::sync::Arc;

use uuid::Uuid;

use crate::message::{GroupId, Message, Sequence, State};
use crate::queue::Queue;
use crate::receipt::Receipt;
use crate::settings::{Scope, Settings};
use crate::time::Time;

/// Everything that has changed since the last [`Queue::take_changes`]. The parts apply in the order
/// of the fields.
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

/// Collects changes until they are taken.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    purged: bool,
    touched: Vec<Sequence>,
    /// The counters when the changes were last taken.
    known: Progress,
    arrived_from: Vec<Origin>,
    sent: Vec<Sent>,
    attempts: Vec<Attempt>,
}

impl Recorder {
    fn is_empty(&self) -> bool {
        !self.purged
            && self.touched.is_empty()
            && self.arrived_from.is_empty()
            && self.sent.is_empty()
            && self.attempts.is_empty()
    }

    pub(crate) fn touch(&mut self, sequence: Sequence) {
        self.touched.push(sequence);
    }

    /// Leaves a message that moves to another queue in the store as it was.
    pub(crate) fn depart(&mut self, sequence: Sequence) {
        self.touched.retain(|touched| *touched != sequence);
    }

    pub(crate) fn arrive(&mut self, from: Origin) {
        self.arrived_from.push(from);
    }

    pub(crate) fn send(&mut self, sent: Sent) {
        self.sent.push(sent);
    }

    pub(crate) fn attempt(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
    }

    pub(crate) fn purge(&mut self) {
        *self = Recorder {
            purged: true,
            known: self.known,
            arrived_from: std::mem::take(&mut self.arrived_from),
            ..Recorder::default()
        };
    }
}

impl<P> Queue<P> {
    /// Records changes from now on, for [`Queue::take_changes`].
    pub fn record_changes(&mut self) {
        self.recorder = Some(Recorder {
            known: self.progress(),
            ..Recorder::default()
        });
    }

    /// The changes since the last call; `None` if there are none, or if they are not recorded.
    pub fn take_changes(&mut self) -> Option<Changes<P>> {
        let progress = self.progress();
        let recorder = self.recorder.as_mut()?;
        if recorder.is_empty() && recorder.known == progress {
            return None;
        }
        let recorded = std::mem::take(recorder);
        recorder.known = progress;

        let mut touched = recorded.touched;
        touched.sort_unstable();
        touched.dedup();
        let messages = touched.into_iter();
        Some(Changes {
            purged: recorded.purged,
            messages: messages
                .map(|sequence| (sequence, self.messages.get(sequence).cloned()))
                .collect(),
            last_known: recorded.known.last_sequence,
            arrived_from: recorded.arrived_from,
            sent: recorded.sent,
            attempts: recorded.attempts,
            progress,
        })
    }

    fn progress(&self) -> Progress {
        Progress {
            last_sequence: self.messages.last(),
            last_receive: self.last_receive,
            old_scope: self.old_scope,
        }
    }

    /// A queue as its changes left it. The messages are in the order of their sequence, and the
    /// memory in the order of its times.
    pub fn restore(
        id: u64,
        settings: Settings,
        progress: Progress,
        messages: impl IntoIterator<Item = (Sequence, Message<P>)>,
        sent: impl IntoIterator<Item = Sent>,
        attempts: impl IntoIterator<Item = Attempt>,
    ) -> Queue<P> {
        let mut queue = Queue::new(id, settings);
        for (sequence, message) in messages {
            let group = &message.content.group;
            match message.state {
                State::Delayed => queue.depth.delayed += 1,
                State::Waiting => {
                    queue.depth.waiting += 1;
                    queue.groups.add(group, sequence);
                }
                State::InFlight => {
                    queue.depth.in_flight += 1;
                    queue.groups.add_in_flight(group, sequence);
                }
            }
            let at = message.timer(queue.settings.retention);
            queue.timers.set(at, sequence);
            queue.messages.put(sequence, message);
        }
        queue.messages.skip_to(progress.last_sequence);
        queue.last_receive = progress.last_receive;
        queue.old_scope = progress.old_scope;
        for sent in sent {
            let key = (sent.group, sent.deduplication_id);
            queue.sent.put(sent.at, key, (sent.message, sent.sequence));
        }
        for attempt in attempts {
            queue.attempts.put(attempt.at, attempt.id, attempt.receipts);
        }
        queue
    }
}
