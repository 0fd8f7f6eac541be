//! How a queue comes to be, new or of what was stored, and how it records what happens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use super::{FindQueue, SharedQueue, State, alarm};
use crate::clock::Clock;
use crate::data::{Journal, QueueRow, Record, StoredQueue};
use crate::message::Queue;
use crate::settings::{Pairs, Settings};

/// What all queues of a server share.
#[derive(Clone)]
pub(crate) struct Backing {
    pub(crate) clock: Arc<Clock>,
    pub(crate) journal: Option<Arc<Journal>>,
}

impl SharedQueue {
    pub(crate) fn new(
        name: &str,
        arn: &str,
        settings: Settings,
        tags: Pairs,
        others: Weak<dyn FindQueue>,
        backing: &Backing,
    ) -> Arc<SharedQueue> {
        let now = backing.clock.now();
        let row = QueueRow {
            id: rand::random(),
            region: region_of(arn).into(),
            name: name.into(),
            created: now,
            last_modified: now,
            last_purge: None,
            settings: Arc::new(settings),
            tags,
        };
        let queue = Queue::new(row.id, row.settings.of_queue());
        let queue = SharedQueue::restore(StoredQueue { row, queue }, arn, others, backing);
        queue.record_row(&queue.lock());
        queue
    }

    /// A queue that was stored.
    pub(crate) fn restore(
        StoredQueue { row, mut queue }: StoredQueue,
        arn: &str,
        others: Weak<dyn FindQueue>,
        backing: &Backing,
    ) -> Arc<SharedQueue> {
        if backing.journal.is_some() {
            queue.record_changes();
        }
        let timer_changed = Arc::new(Notify::new());
        let state = State {
            queue,
            settings: row.settings,
            tags: row.tags,
            last_modified: row.last_modified,
            last_purge: row.last_purge,
            waiting: VecDeque::new(),
            alarm_set_for: None,
            deleted: false,
        };
        Arc::new_cyclic(|queue| SharedQueue {
            name: row.name,
            arn: arn.into(),
            created: row.created,
            id: row.id,
            clock: backing.clock.clone(),
            journal: backing.journal.clone(),
            others,
            state: Mutex::new(state),
            timer_changed: timer_changed.clone(),
            alarm: AbortOnDropHandle::new(tokio::spawn(alarm(queue.clone(), timer_changed))),
        })
    }

    /// Adds to the journal what has happened to the messages, under the lock under which it did.
    pub(super) fn record_changes(&self, state: &mut State) {
        if let Some(journal) = &self.journal
            && let Some(changes) = state.queue.take_changes()
            && !state.deleted
        {
            journal.push(Record::Changes(self.id, changes));
        }
    }

    /// Adds the queue's attributes and tags to the journal.
    pub(super) fn record_row(&self, state: &State) {
        if let Some(journal) = &self.journal
            && !state.deleted
        {
            journal.push(Record::Queue(QueueRow {
                id: self.id,
                region: region_of(&self.arn).into(),
                name: self.name.clone(),
                created: self.created,
                last_modified: state.last_modified,
                last_purge: state.last_purge,
                settings: state.settings.clone(),
                tags: state.tags.clone(),
            }));
        }
    }
}

fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}
