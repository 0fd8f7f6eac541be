//! The queues of a region by name. No queue's lock is taken while this lock is held.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use sqs_queue::Time;

use crate::error::{Error, Result};
use crate::partition::partition;
use crate::shared_queue::{FindQueue, SharedQueue};

/// How long a deleted queue's name stays reserved.
const RESERVED: Duration = Duration::from_secs(60);

pub(crate) struct Queues {
    account: Arc<str>,
    pub(crate) partition: &'static str,
    /// `arn:<partition>:sqs:<region>:<account>:`; the name follows.
    arn_prefix: String,
    queues: RwLock<ByName>,
}

#[derive(Default)]
struct ByName {
    by_name: BTreeMap<String, Arc<SharedQueue>>,
    /// When each queue was deleted whose name is still reserved.
    deleted: HashMap<String, Time>,
}

impl Queues {
    pub(crate) fn new(account: &Arc<str>, region: &str) -> Queues {
        let partition = partition(region);
        Queues {
            account: account.clone(),
            partition,
            arn_prefix: format!("arn:{partition}:sqs:{region}:{account}:"),
            queues: RwLock::default(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<SharedQueue>> {
        self.read().by_name.get(name).cloned()
    }

    pub(crate) fn arn(&self, name: &str) -> String {
        format!("{}{name}", self.arn_prefix)
    }

    /// The queue with this URL. Its host is ignored, but not its account. A bare name works as
    /// well.
    pub(crate) fn by_url(&self, url: &str) -> Result<Arc<SharedQueue>> {
        let mut parts = url.rsplit('/');
        let name = parts.next().unwrap_or(url);
        let is_account = |part: &&str| part.len() == 12 && part.parse::<u64>().is_ok();
        match parts.next().filter(is_account) {
            Some(account) if *account != *self.account => Err(Error::QueueDoesNotExist),
            _ => self.get(name).ok_or(Error::QueueDoesNotExist),
        }
    }

    /// Returns the queue of that name, or adds the one that `make` creates. The flag says which.
    ///
    /// # Errors
    /// When a queue of that name was deleted less than a minute ago.
    pub(crate) fn get_or_insert(
        &self,
        name: &str,
        now: Time,
        make: impl FnOnce() -> Arc<SharedQueue>,
    ) -> Result<(Arc<SharedQueue>, bool)> {
        let mut queues = self.write();
        if let Some(existing) = queues.by_name.get(name) {
            return Ok((existing.clone(), false));
        }
        queues.deleted.retain(|_, at| now < *at + RESERVED);
        if queues.deleted.contains_key(name) {
            return Err(Error::QueueDeletedRecently);
        }
        let queue = make();
        queues.by_name.insert(name.into(), queue.clone());
        Ok((queue, true))
    }

    /// Adds a queue that was stored.
    pub(crate) fn insert(&self, queue: Arc<SharedQueue>) {
        self.write().by_name.insert(queue.name.clone(), queue);
    }

    /// Reserves the name of a deleted queue.
    pub(crate) fn reserve(&self, name: &str, deleted: Time) {
        self.write().deleted.insert(name.into(), deleted);
    }

    /// Removes the queue. With `reserve`, its name stays reserved for a minute.
    pub(crate) fn remove(&self, name: &str, now: Time, reserve: bool) -> Option<Arc<SharedQueue>> {
        let mut queues = self.write();
        let queue = queues.by_name.remove(name)?;
        if reserve {
            queues.deleted.insert(name.into(), now);
        }
        Some(queue)
    }

    pub(crate) fn clear(&self) -> Vec<Arc<SharedQueue>> {
        let queues = std::mem::take(&mut *self.write());
        queues.by_name.into_values().collect()
    }

    /// The queues after `after` whose names begin with `prefix`, ordered by name.
    pub(crate) fn list(&self, prefix: &str, after: Option<&str>) -> Vec<Arc<SharedQueue>> {
        let from = match after {
            Some(name) if name >= prefix => Bound::Excluded(name),
            _ => Bound::Included(prefix),
        };
        let queues = self.read();
        let listed = queues.by_name.range::<str, _>((from, Bound::Unbounded));
        listed
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(_, queue)| queue.clone())
            .collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, ByName> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, ByName> {
        self.queues.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FindQueue for Queues {
    fn by_arn(&self, arn: &str) -> Option<Arc<SharedQueue>> {
        self.get(arn.strip_prefix(&self.arn_prefix)?)
    }
}
