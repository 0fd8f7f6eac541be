//! Receives that were no attempts: SQS counts them, and no message is to become a dead letter
//! because of them.

use std::collections::HashMap;

use uuid::Uuid;

/// Messages that are remembered at most. Then all are forgotten, and their receives are attempts.
const CAPACITY: usize = 10_000;

/// How often this process returned each message without having attempted it.
#[derive(Default)]
pub(super) struct UnattemptedReceives(HashMap<Uuid, u32>);

impl UnattemptedReceives {
    pub(super) fn add(&mut self, message: Uuid) {
        if self.0.len() >= CAPACITY && !self.0.contains_key(&message) {
            self.0.clear();
        }
        *self.0.entry(message).or_default() += 1;
    }

    pub(super) fn count(&self, message: Uuid) -> u32 {
        self.0.get(&message).copied().unwrap_or(0)
    }

    /// The message will not come again.
    pub(super) fn forget(&mut self, message: Uuid) {
        self.0.remove(&message);
    }
}
