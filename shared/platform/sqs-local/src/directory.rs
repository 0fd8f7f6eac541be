//! The account's queues by name. Its lock is never held while a queue's lock is taken.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::host::Host;
use crate::region;
use crate::time::Time;

/// How long a deleted queue's name stays taken.
const REST: Duration = Duration::from_secs(60);

pub(crate) struct Directory {
    account: Arc<str>,
    pub(crate) partition: &'static str,
    /// `arn:<partition>:sqs:<region>:<account>:`, and then comes the name.
    arn_prefix: String,
    queues: RwLock<Queues>,
}

#[derive(Default)]
struct Queues {
    by_name: BTreeMap<String, Arc<Host>>,
    /// When queues were deleted whose names may not be used yet.
    deleted: HashMap<String, Time>,
}

impl Directory {
    pub(crate) fn new(account: &Arc<str>, region: &str) -> Directory {
        let partition = region::partition(region);
        Directory {
            account: account.clone(),
            partition,
            arn_prefix: format!("arn:{partition}:sqs:{region}:{account}:"),
            queues: RwLock::default(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Host>> {
        self.read().by_name.get(name).cloned()
    }

    pub(crate) fn arn(&self, name: &str) -> String {
        format!("{}{name}", self.arn_prefix)
    }

    pub(crate) fn by_arn(&self, arn: &str) -> Option<Arc<Host>> {
        self.get(arn.strip_prefix(&self.arn_prefix)?)
    }

    /// By queue URL, whatever host it names, but not of another account; a bare name will do.
    pub(crate) fn by_url(&self, url: &str) -> Result<Arc<Host>> {
        let mut parts = url.rsplit('/');
        let name = parts.next().unwrap_or(url);
        let is_account = |part: &&str| part.len() == 12 && part.parse::<u64>().is_ok();
        match parts.next().filter(is_account) {
            Some(account) if *account != *self.account => Err(Error::QueueDoesNotExist),
            _ => self.get(name).ok_or(Error::QueueDoesNotExist),
        }
    }

    /// Adds the queue that `make` makes, unless there is one of that name already.
    ///
    /// # Errors
    /// When a queue of that name was deleted less than a minute ago.
    pub(crate) fn get_or_insert(
        &self,
        name: &str,
        now: Time,
        make: impl FnOnce() -> Arc<Host>,
    ) -> Result<(Arc<Host>, bool)> {
        let mut queues = self.write();
        if let Some(existing) = queues.by_name.get(name) {
            return Ok((existing.clone(), false));
        }
        queues.deleted.retain(|_, at| now < *at + REST);
        if queues.deleted.contains_key(name) {
            return Err(Error::QueueDeletedRecently);
        }
        let host = make();
        queues.by_name.insert(name.into(), host.clone());
        Ok((host, true))
    }

    /// Takes the queue out; with `rests`, its name stays taken for a minute.
    pub(crate) fn remove(&self, name: &str, now: Time, rests: bool) -> Option<Arc<Host>> {
        let mut queues = self.write();
        let queue = queues.by_name.remove(name)?;
        if rests {
            queues.deleted.insert(name.into(), now);
        }
        Some(queue)
    }

    pub(crate) fn clear(&self) -> Vec<Arc<Host>> {
        let queues = std::mem::take(&mut *self.write());
        queues.by_name.into_values().collect()
    }

    /// The queues whose names begin with `prefix`, in the order of their names, after `after`.
    pub(crate) fn list(&self, prefix: &str, after: Option<&str>) -> Vec<Arc<Host>> {
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

    fn read(&self) -> RwLockReadGuard<'_, Queues> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Queues> {
        self.queues.write().unwrap_or_else(PoisonError::into_inner)
    }
}
