//! Everything behind the door: the regions, the counters, and what goes wrong on request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use serde::Deserialize;

use crate::api::{self, Answer};
use crate::error::{Error, Result};
use crate::head::Head;
use crate::host::Host;
use crate::misbehaviour::{Chaos, Misbehaviour};
use crate::region;
use crate::service::{Habits, Service};
use crate::time::Clock;

/// The actions of the service, all of them.
pub const ACTIONS: [&str; 23] = [
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

/// Who the server pretends to be, and how it misbehaves from the start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The twelve digits in queue URLs and ARNs.
    pub account: String,
    /// The region of requests that are not signed for one.
    pub region: String,
    /// Whether a deleted queue's name may be used again at once, and not, as at Amazon, only
    /// after a minute.
    pub reuse_names: bool,
    /// Whether a receipt handle that is older than the latest receive deletes a message of a
    /// standard queue. Amazon documents that it may not; two public projects found that it does.
    pub old_receipts_delete: bool,
    pub misbehaviour: Misbehaviour,
    /// What all misbehaviour is drawn from.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            account: "000000000000".into(),
            region: "us-east-1".into(),
            reuse_names: false,
            old_receipts_delete: false,
            misbehaviour: Misbehaviour::default(),
            seed: 0,
        }
    }
}

pub(crate) struct Cloud {
    pub(crate) account: Arc<str>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) chaos: Arc<Chaos>,
    region: String,
    habits: Habits,
    regions: RwLock<BTreeMap<String, Arc<Service>>>,
    calls: [AtomicU64; ACTIONS.len()],
}

impl Cloud {
    pub(crate) fn new(options: Options) -> Cloud {
        Cloud {
            account: options.account.into(),
            clock: Arc::new(Clock::start()),
            chaos: Arc::new(Chaos::new(options.seed, options.misbehaviour)),
            region: options.region,
            habits: Habits {
                reuse_names: options.reuse_names,
                old_receipts_delete: options.old_receipts_delete,
            },
            regions: RwLock::default(),
            calls: Default::default(),
        }
    }

    /// One request of the AWS JSON protocol: the action's name and its JSON document in, the
    /// JSON document of the answer out.
    pub(crate) async fn call(&self, head: &Head<'_>, action: &str, body: &[u8]) -> Result<Vec<u8>> {
        let number = ACTIONS.iter().position(|known| *known == action);
        let number = number.ok_or_else(|| Error::InvalidAction(action.into()))?;
        self.calls[number].fetch_add(1, Relaxed);

        let service = self.region(self.region_of(head), action == "CreateQueue");
        if !self.chaos.is_on() {
            let answer = api::call(&service, action, body, head).await;
            return answer.map(Answer::leaves);
        }
        let fate = self.chaos.before(queue_of(body).as_deref()).await?;
        let answer = api::call(&service, action, body, head).await;
        fate.pass().await;
        fate.of(answer.map(Answer::leaves))
    }

    /// The partition of the region that a request is for.
    pub(crate) fn partition(&self, head: &Head<'_>) -> &'static str {
        region::partition(self.region_of(head))
    }

    fn region_of<'a>(&'a self, head: &Head<'a>) -> &'a str {
        head.region.unwrap_or(&self.region)
    }

    /// How often each action was called, since the start or the last reset.
    pub(crate) fn calls(&self) -> BTreeMap<&'static str, u64> {
        let calls = self.calls.iter().map(|calls| calls.load(Relaxed));
        ACTIONS
            .into_iter()
            .zip(calls)
            .filter(|(_, calls)| *calls > 0)
            .collect()
    }

    pub(crate) fn reset_calls(&self) {
        self.calls.iter().for_each(|calls| calls.store(0, Relaxed));
    }

    /// Forgets every queue, every count and all misbehaviour.
    pub(crate) fn reset(&self) {
        let regions = self
            .regions
            .write()
            .map(|mut regions| std::mem::take(&mut *regions));
        for service in regions.unwrap_or_default().into_values() {
            service.close();
        }
        self.chaos.clear();
        self.reset_calls();
    }

    /// Every queue of every region, with the name of its region.
    pub(crate) fn queues(&self) -> Vec<(String, Arc<Host>)> {
        let regions = self
            .regions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let queues = regions.into_iter().map(|(region, service)| {
            let queues = service.queues.list("", None);
            queues.into_iter().map(move |queue| (region.clone(), queue))
        });
        queues.flatten().collect()
    }

    /// Each region is a service of its own. It is kept once it has a queue; a question about one
    /// that has none is answered and forgotten.
    fn region(&self, name: &str, keep: bool) -> Arc<Service> {
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = regions.get(name) {
            return service.clone();
        }
        drop(regions);
        let new = || {
            let (account, habits) = (&self.account, self.habits);
            Arc::new(Service::new(
                account,
                name,
                habits,
                &self.clock,
                &self.chaos,
            ))
        };
        if !keep {
            return new();
        }
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        regions.entry(name.into()).or_insert_with(new).clone()
    }
}

/// The queue a request is about, as far as can be told before it is decoded.
fn queue_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Named {
        queue_url: Option<String>,
        queue_name: Option<String>,
    }
    let named: Named = strict_json::from_slice(body).ok()?;
    let url = named.queue_url.or(named.queue_name)?;
    url.rsplit('/').next().map(String::from)
}
