//! Receives without an attempt. SQS counts them, but they must not make a message a dead letter.

use std::collections::HashMap;

use uuid::Uuid;

/// Maximum messages that are counted. When it is reached, all counts are cleared, and receives
/// count as attempts.
const CAPACITY: usize = 10_000;

/// How often this process returned each message without an attempt.
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

    /// Forgets a message that will not be delivered again.
    pub(super) fn forget(&mut self, message: Uuid) {
        self.0.remove(&message);
    }
}
