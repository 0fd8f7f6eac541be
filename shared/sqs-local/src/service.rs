//! The service of one region: its queues and the tasks that move messages between them.

use std::sync::Arc;

use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::misbehaviour::Chaos;
use crate::move_task::MoveTasks;
use crate::time::Clock;

pub(crate) struct Service {
    pub(crate) account: Arc<str>,
    /// Whether a deleted queue's name may be used again at once.
    pub(crate) reuses_names: bool,
    pub(crate) clock: Arc<Clock>,
    pub(crate) chaos: Arc<Chaos>,
    pub(crate) queues: Arc<Directory>,
    pub(crate) tasks: MoveTasks,
}

impl Service {
    pub(crate) fn new(
        account: &Arc<str>,
        region: &str,
        reuses_names: bool,
        clock: &Arc<Clock>,
        chaos: &Arc<Chaos>,
    ) -> Service {
        Service {
            account: account.clone(),
            reuses_names,
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

    pub(crate) fn url(&self, host: &str, queue: &Host) -> String {
        format!("http://{host}/{}/{}", self.account, queue.name)
    }

    /// Ends all tasks, and sends everybody away who waits.
    pub(crate) fn close(&self) {
        self.tasks.clear();
        for queue in self.queues.clear() {
            queue.close();
        }
    }
}
