//! Receives that were no attempts: SQS counts them, and a message is not to die of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// Messages that are remembered at most. Then all are forgotten, and their receives are attempts.
const MOST: usize = 10_000;

/// How often this process gave each message back without having tried it.
#[derive(Default)]
pub(super) struct Untried(Mutex<HashMap<Uuid, u32>>);

impl Untried {
    pub(super) fn add(&self, message: Uuid) {
        let mut counts = self.counts();
        if counts.len() >= MOST && !counts.contains_key(&message) {
            counts.clear();
        }
        *counts.entry(message).or_default() += 1;
    }

    pub(super) fn count(&self, message: Uuid) -> u32 {
        self.counts().get(&message).copied().unwrap_or(0)
    }

    /// The message will not come again.
    pub(super) fn forget(&self, message: Uuid) {
        self.counts().remove(&message);
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Uuid, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
