//! One region: its queues, and the tasks that move messages between them.

use std::sync::Arc;

use crate::data::StoredQueue;
use crate::error::{Error, Result};
use crate::fault_injector::FaultInjector;
use crate::head::Head;
use crate::move_task::MoveTasks;
use crate::queues::Queues;
use crate::shared_queue::{Backing, SharedQueue};

/// Where the server is more lenient than Amazon documents: see [`crate::Options`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leniency {
    pub(crate) reuse_names: bool,
    pub(crate) old_receipts_delete: bool,
}

pub(crate) struct Region {
    pub(crate) account: Arc<str>,
    pub(crate) leniency: Leniency,
    pub(crate) backing: Backing,
    pub(crate) faults: Arc<FaultInjector>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) tasks: MoveTasks,
}

impl Region {
    pub(crate) fn new(
        account: &Arc<str>,
        name: &str,
        leniency: Leniency,
        backing: &Backing,
        faults: &Arc<FaultInjector>,
    ) -> Region {
        Region {
            account: account.clone(),
            leniency,
            backing: backing.clone(),
            faults: faults.clone(),
            queues: Arc::new(Queues::new(account, name)),
            tasks: MoveTasks::new(name, &backing.journal),
        }
    }

    /// Adds a queue that was stored.
    pub(crate) fn restore(&self, stored: StoredQueue) {
        let arn = self.queues.arn(&stored.row.name);
        let others = Arc::downgrade(&self.queues);
        let queue = SharedQueue::restore(stored, &arn, others, &self.backing);
        self.queues.insert(queue);
    }

    /// The queue that a request names by URL.
    pub(crate) fn queue(&self, url: Option<&str>) -> Result<Arc<SharedQueue>> {
        self.queues
            .by_url(url.ok_or_else(|| Error::missing("QueueUrl"))?)
    }

    pub(crate) fn url(&self, head: &Head<'_>, queue: &SharedQueue) -> String {
        let Head { scheme, host, .. } = head;
        format!("{scheme}://{host}/{}/{}", self.account, queue.name)
    }

    /// Ends all tasks and all waiting receives.
    pub(crate) fn close(&self) {
        self.tasks.clear();
        for queue in self.queues.clear() {
            queue.close();
        }
    }
}
