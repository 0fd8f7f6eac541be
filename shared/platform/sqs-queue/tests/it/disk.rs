//! A caller that stores the changes of one queue.

use std::collections::BTreeMap;

use sqs_queue::{Attempt, Message, Origin, Progress, Queue, Sent, Sequence, Settings};

#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) messages: BTreeMap<Sequence, Message<()>>,
    sent: Vec<Sent>,
    attempts: Vec<Attempt>,
    progress: Progress,
}

impl Disk {
    /// Stores what has changed. Returns where messages came from.
    pub(crate) fn store(&mut self, queue: &mut Queue<()>) -> Vec<Origin> {
        let Some(changes) = queue.take_changes() else {
            return Vec::new();
        };
        if changes.purged {
            *self = Disk::default();
        }
        for (sequence, message) in changes.messages {
            match message {
                Some(message) => drop(self.messages.insert(sequence, message)),
                None => drop(self.messages.remove(&sequence)),
            }
        }
        self.sent.extend(changes.sent);
        self.attempts.extend(changes.attempts);
        self.progress = changes.progress;
        changes.arrived_from
    }

    /// Removes a message that arrived in another queue.
    pub(crate) fn leave(&mut self, origin: Origin) {
        assert!(self.messages.remove(&origin.sequence).is_some());
    }

    /// The queue of what was stored.
    pub(crate) fn queue(&self, id: u64, settings: Settings) -> Queue<()> {
        let messages = self.messages.iter();
        let messages = messages.map(|(sequence, message)| (*sequence, message.clone()));
        let (sent, attempts) = (self.sent.clone(), self.attempts.clone());
        let mut queue = Queue::restore(id, settings, self.progress, messages, sent, attempts);
        queue.record_changes();
        queue
    }
}
