//! The account's queues by name. Its lock is never held while a queue's lock is taken.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, Result};
use crate::host::Host;

#[derive(Default)]
pub(crate) struct Directory {
    queues: RwLock<BTreeMap<String, Arc<Host>>>,
}

impl Directory {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Host>> {
        self.read().get(name).cloned()
    }

    /// `arn:aws:sqs:<region>:<account>:<name>`; only the name counts on a server of one account.
    pub(crate) fn by_arn(&self, arn: &str) -> Option<Arc<Host>> {
        let rest = arn.strip_prefix("arn:")?.split_once(":sqs:")?.1;
        self.get(rest.rsplit(':').next()?)
    }

    /// By queue URL, whatever host it names; a bare name will do.
    pub(crate) fn by_url(&self, url: &str) -> Result<Arc<Host>> {
        let name = url.rsplit('/').next().unwrap_or(url);
        self.get(name).ok_or(Error::QueueDoesNotExist)
    }

    /// Adds the queue that `make` makes, unless there is one of that name already.
    pub(crate) fn get_or_insert(
        &self,
        name: &str,
        make: impl FnOnce() -> Arc<Host>,
    ) -> (Arc<Host>, bool) {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(existing) = queues.get(name) {
            return (existing.clone(), false);
        }
        let host = make();
        queues.insert(name.into(), host.clone());
        (host, true)
    }

    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Host>> {
        self.queues
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name)
    }

    pub(crate) fn clear(&self) -> Vec<Arc<Host>> {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *queues).into_values().collect()
    }

    /// The queues whose names begin with `prefix`, in the order of their names, after `after`.
    pub(crate) fn list(&self, prefix: &str, after: Option<&str>) -> Vec<Arc<Host>> {
        let from = match after {
            Some(name) if name >= prefix => Bound::Excluded(name),
            _ => Bound::Included(prefix),
        };
        let queues = self.read();
        let listed = queues.range::<str, _>((from, Bound::Unbounded));
        listed
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(_, q)| q.clone())
            .collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Host>>> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner)
    }
}
