//! What a FIFO queue remembers for five minutes: the messages it accepted, and the receives it
//! answered.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::time::Time;

/// Amazon's deduplication interval, the same for sends and for receive attempts.
pub const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// A map that forgets each entry five minutes after its insertion.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    entries: HashMap<K, (Time, V)>,
    oldest: VecDeque<(Time, K)>,
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    pub(crate) fn new() -> Recent<K, V> {
        Recent {
            entries: HashMap::new(),
            oldest: VecDeque::new(),
        }
    }

    pub(crate) fn get(&mut self, now: Time, key: &K) -> Option<&V> {
        self.forget(now);
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(crate) fn put(&mut self, now: Time, key: K, value: V) {
        self.entries.insert(key.clone(), (now, value));
        self.oldest.push_back((now, key));
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.oldest.clear();
    }

    fn forget(&mut self, now: Time) {
        while let Some((put, _)) = self.oldest.front()
            && *put + INTERVAL <= now
            && let Some((put, key)) = self.oldest.pop_front()
        {
            // A later `put` of the same key starts its own five minutes.
            if self
                .entries
                .get(&key)
                .is_some_and(|(latest, _)| *latest == put)
            {
                self.entries.remove(&key);
            }
        }
    }
}
