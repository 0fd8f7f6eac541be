//! Missing queues: deleted, or lost with their server.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The queues that a call did not find and no later call has found.
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

    /// Waits until a call misses a queue. A miss since the last call of this counts.
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
