//! Queues that were there and are gone: deleted, or lost with their server.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The names of queues that a call has missed and no call has found since.
#[derive(Default)]
pub(crate) struct Gone {
    names: Mutex<BTreeSet<String>>,
    noticed: Notify,
}

impl Gone {
    pub(super) fn notice(&self, queue: &str) {
        self.names().insert(queue.to_owned());
        self.noticed.notify_one();
    }

    pub(super) fn found(&self, queue: &str) {
        self.names().remove(queue);
    }

    /// Waits until a queue is missed, or was since this was called last.
    pub(crate) async fn noticed(&self) {
        self.noticed.notified().await;
    }

    pub(crate) fn has(&self, queue: &str) -> bool {
        self.names().contains(queue)
    }

    fn names(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
