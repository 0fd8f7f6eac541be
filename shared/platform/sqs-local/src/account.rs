//! The account: its regions, the counters of calls, and the faults to inject.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use serde::Deserialize;

use crate::action::ACTIONS;
use crate::api;
use crate::clock::Clock;
use crate::data::{Data, Stored};
use crate::error::{Error, Result};
use crate::fault_injector::FaultInjector;
use crate::faults::Faults;
use crate::head::Head;
use crate::partition::partition;
use crate::region::{Leniency, Region};
use crate::shared_queue::{Backing, SharedQueue};

/// The server's identity, where it is more lenient than Amazon, and the faults from the start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The twelve digits in queue URLs and ARNs.
    pub account: String,
    /// The region of requests that are not signed for one.
    pub region: String,
    /// Whether a deleted queue's name may be used again at once. At Amazon a minute must pass.
    pub reuse_names: bool,
    /// Whether a receipt handle that is older than the latest receive deletes a message of a
    /// standard queue. Amazon documents that it may not; two public projects found that it does.
    pub old_receipts_delete: bool,
    pub faults: Faults,
    /// The seed of the generator that draws all faults.
    pub seed: u64,
    /// Where queues and messages are kept; `None` keeps them in memory alone.
    pub data: Option<Data>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            account: "000000000000".into(),
            region: "us-east-1".into(),
            reuse_names: false,
            old_receipts_delete: false,
            faults: Faults::default(),
            seed: 0,
            data: None,
        }
    }
}

pub(crate) struct Account {
    pub(crate) id: Arc<str>,
    pub(crate) faults: Arc<FaultInjector>,
    backing: Backing,
    default_region: String,
    leniency: Leniency,
    regions: RwLock<BTreeMap<String, Arc<Region>>>,
    calls: [AtomicU64; ACTIONS.len()],
}

impl Account {
    /// An account with the queues that are stored.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn new(options: Options) -> io::Result<Account> {
        let loaded = options.data.map(|data| data.load()).transpose();
        let (stored, journal) = loaded.map_err(io::Error::other)?.unzip();
        let account = Account {
            id: options.account.into(),
            faults: Arc::new(FaultInjector::new(options.seed, options.faults)),
            backing: Backing {
                clock: Arc::new(Clock::start()),
                journal: journal.map(Arc::new),
            },
            default_region: options.region,
            leniency: Leniency {
                reuse_names: options.reuse_names,
                old_receipts_delete: options.old_receipts_delete,
            },
            regions: RwLock::default(),
            calls: Default::default(),
        };
        account.restore(stored.unwrap_or_default());
        Ok(account)
    }

    fn restore(&self, stored: Stored) {
        for queue in stored.queues {
            self.region(&queue.row.region, true).restore(queue);
        }
        for (arn, deleted) in stored.reserved_names {
            if let [_, _, _, region, _, name] = arn.split(':').collect::<Vec<_>>()[..] {
                self.region(region, true).queues.reserve(name, deleted);
            }
        }
        for task in stored.tasks {
            let region = self.region(&task.region, true);
            region.tasks.restore(&region.queues, task);
        }
    }

    /// Waits until all that has happened is stored, if this server stores anything.
    ///
    /// # Errors
    /// When it cannot be stored now.
    pub(crate) async fn stored(&self) -> Result<()> {
        match &self.backing.journal {
            Some(journal) => journal.stored().await,
            None => Ok(()),
        }
    }

    /// Answers one request of the AWS JSON protocol: takes the action's name and its JSON document,
    /// returns the JSON document of the answer.
    pub(crate) async fn call(&self, head: &Head<'_>, action: &str, body: &[u8]) -> Result<Vec<u8>> {
        let number = ACTIONS.iter().position(|known| *known == action);
        let number = number.ok_or_else(|| Error::InvalidAction(action.into()))?;
        self.calls[number].fetch_add(1, Relaxed);

        if let Some(journal) = &self.backing.journal {
            journal.check()?;
        }
        let region = self.region(self.region_of(head), action == "CreateQueue");
        if !self.faults.is_on() {
            let answer = self.answer(&region, action, body, head).await;
            return answer.map(api::Answer::into_document);
        }
        let fault = self.faults.before(queue_of(body).as_deref()).await?;
        let answer = self.answer(&region, action, body, head).await;
        fault.delay_answer().await;
        fault.replace(answer.map(api::Answer::into_document))
    }

    /// The answer, once all that it shows is stored. Received messages return to their queue if it
    /// cannot be.
    async fn answer(
        &self,
        region: &Region,
        action: &str,
        body: &[u8],
        head: &Head<'_>,
    ) -> Result<api::Answer> {
        let answer = api::call(region, action, body, head).await?;
        self.stored().await?;
        Ok(answer)
    }

    /// The partition of the region that a request is for.
    pub(crate) fn partition(&self, head: &Head<'_>) -> &'static str {
        partition(self.region_of(head))
    }

    fn region_of<'a>(&'a self, head: &Head<'a>) -> &'a str {
        head.region.unwrap_or(&self.default_region)
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

    /// Removes every queue, every count and all faults.
    pub(crate) fn reset(&self) {
        let regions = self
            .regions
            .write()
            .map(|mut regions| std::mem::take(&mut *regions));
        for region in regions.unwrap_or_default().into_values() {
            region.close();
        }
        self.faults.clear();
        self.reset_calls();
    }

    /// All queues of all regions, with the names of their regions.
    pub(crate) fn queues(&self) -> Vec<(String, Arc<SharedQueue>)> {
        let regions = self
            .regions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let queues = regions.into_iter().map(|(name, region)| {
            let queues = region.queues.list("", None);
            queues.into_iter().map(move |queue| (name.clone(), queue))
        });
        queues.flatten().collect()
    }

    /// The region of that name. It is stored from its first queue on; a request to a region without
    /// queues is answered by a temporary one.
    fn region(&self, name: &str, keep: bool) -> Arc<Region> {
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(region) = regions.get(name) {
            return region.clone();
        }
        drop(regions);
        let new = || {
            Arc::new(Region::new(
                &self.id,
                name,
                self.leniency,
                &self.backing,
                &self.faults,
            ))
        };
        if !keep {
            return new();
        }
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        regions.entry(name.into()).or_insert_with(new).clone()
    }
}

/// The queue that a request names, as far as its undecoded document shows.
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
