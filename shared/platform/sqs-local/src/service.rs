//! The service of one region: its queues and the tasks that move messages between them.

use std::sync::Arc;

use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::head::Head;
use crate::host::Host;
use crate::misbehaviour::Chaos;
use crate::move_task::MoveTasks;
use crate::time::Clock;

/// What the server does where Amazon leaves it open, or is stricter: see [`crate::Options`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    pub(crate) reuse_names: bool,
    pub(crate) old_receipts_delete: bool,
}

pub(crate) struct Service {
    pub(crate) account: Arc<str>,
    pub(crate) habits: Habits,
    pub(crate) clock: Arc<Clock>,
    pub(crate) chaos: Arc<Chaos>,
    pub(crate) queues: Arc<Directory>,
    pub(crate) tasks: MoveTasks,
}

impl Service {
    pub(crate) fn new(
        account: &Arc<str>,
        region: &str,
        habits: Habits,
        clock: &Arc<Clock>,
        chaos: &Arc<Chaos>,
    ) -> Service {
        Service {
            account: account.clone(),
            habits,
            clock: clock.clone(),
            chaos: chaos.clone(),
            queues: Arc::new(Directory::new(account, region)),
            tasks: MoveTasks::default(),
        }
    }

    /// The queue a request names by its URL.
    pub(crate) fn queue(&self, url: Option<&str>) -> Result<Arc<Host>> {
        self.queues
            .by_url(url.ok_or_else(|| Error::missing("QueueUrl"))?)
    }

    pub(crate) fn url(&self, head: &Head<'_>, queue: &Host) -> String {
        let Head { scheme, host, .. } = head;
        format!("{scheme}://{host}/{}/{}", self.account, queue.name)
    }

    /// Ends all tasks and all receives that wait.
    pub(crate) fn close(&self) {
        self.tasks.clear();
        for queue in self.queues.clear() {
            queue.close();
        }
    }
}
