//! The service: one account's queues, and the door through which every request comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::api;
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::move_task::MoveTasks;
use crate::time::Clock;

/// The actions of the service, all of them.
pub(crate) const ACTIONS: [&str; 23] = [
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "GetQueueUrl",
    "GetQueueAttributes",
    "SetQueueAttributes",
    "CreateQueue",
    "DeleteQueue",
    "ListQueues",
    "PurgeQueue",
    "ListDeadLetterSourceQueues",
    "TagQueue",
    "UntagQueue",
    "ListQueueTags",
    "AddPermission",
    "RemovePermission",
    "StartMessageMoveTask",
    "CancelMessageMoveTask",
    "ListMessageMoveTasks",
];

pub(crate) struct Service {
    pub(crate) account: String,
    pub(crate) region: String,
    /// Who sends: there is one principal, as signatures are not looked at.
    pub(crate) sender: Arc<str>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) queues: Arc<Directory>,
    pub(crate) tasks: MoveTasks,
    calls: [AtomicU64; ACTIONS.len()],
}

impl Service {
    pub(crate) fn new(account: String, region: String) -> Service {
        Service {
            sender: account.as_str().into(),
            account,
            region,
            clock: Arc::new(Clock::start()),
            queues: Arc::default(),
            tasks: MoveTasks::default(),
            calls: Default::default(),
        }
    }

    /// One request of the AWS JSON protocol: the action's name and its JSON document in, the
    /// JSON document of the answer out. `host` is the server's name as the client knows it, for
    /// queue URLs.
    pub(crate) async fn call(&self, action: &str, body: &[u8], host: &str) -> Result<Vec<u8>> {
        let number = ACTIONS.iter().position(|known| *known == action);
        let number = number.ok_or_else(|| Error::InvalidAction(action.into()))?;
        self.calls[number].fetch_add(1, Relaxed);
        api::call(self, action, body, host).await
    }

    /// Forgets every queue and every count.
    pub(crate) fn reset(&self) {
        self.tasks.clear();
        for queue in self.queues.clear() {
            queue.close();
        }
        self.calls.iter().for_each(|calls| calls.store(0, Relaxed));
    }

    /// How often each action was called, since the start or the last reset.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ACTIONS
            .iter()
            .zip(&self.calls)
            .map(|(action, calls)| (*action, calls.load(Relaxed)))
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
}
