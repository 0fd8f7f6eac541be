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
    pub(crate) region: String,
    pub(crate) clock: Arc<Clock>,
    pub(crate) chaos: Arc<Chaos>,
    pub(crate) queues: Arc<Directory>,
    pub(crate) tasks: MoveTasks,
}

impl Service {
    pub(crate) fn new(
        account: &str,
        region: &str,
        clock: &Arc<Clock>,
        chaos: &Arc<Chaos>,
    ) -> Service {
        Service {
            account: account.into(),
            region: region.into(),
            clock: clock.clone(),
            chaos: chaos.clone(),
            queues: Arc::default(),
            tasks: MoveTasks::default(),
        }
    }

    /// The queue a request names by its URL.
    pub(crate) fn queue(&self, url: &Option<String>) -> Result<Arc<Host>> {
        let url = url.as_deref().ok_or(Error::MissingParameter("QueueUrl"))?;
        self.queues.by_url(url)
    }

    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.region, self.account)
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
