//! Collects what changes in a queue.

use crate::changes::{Attempt, Origin, Progress, Sent};
use crate::message::Sequence;

/// Collects changes until they are taken.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) purged: bool,
    pub(crate) touched: Vec<Sequence>,
    /// The counters when the changes were last taken.
    pub(crate) known: Progress,
    pub(crate) arrived_from: Vec<Origin>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) attempts: Vec<Attempt>,
}

impl Recorder {
    pub(crate) fn is_empty(&self) -> bool {
        !self.purged
            && self.touched.is_empty()
            && self.arrived_from.is_empty()
            && self.sent.is_empty()
            && self.attempts.is_empty()
    }

    pub(crate) fn touch(&mut self, sequence: Sequence) {
        self.touched.push(sequence);
    }

    /// Leaves a message that moves to another queue unchanged in the caller's store.
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
