//! The report of deletes that fail for long.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::queue::Queue;
use crate::Health;

/// The time of the first and the last failed delete.
///
/// A single failure does not make a service unready: the message is delivered again after its
/// visibility timeout, and the inbox recognises it. If that delete fails as well, the problem
/// lasts, and every message is delivered again and again.
pub(super) struct FailingDeletes {
    failing: Mutex<Option<Failing>>,
    visibility: Duration,
    health: Health,
    check: String,
}

#[derive(Clone, Copy)]
struct Failing {
    since: Instant,
    last: Instant,
}

impl FailingDeletes {
    pub(super) fn new(queue: &Queue, visibility: Duration) -> FailingDeletes {
        FailingDeletes {
            failing: Mutex::default(),
            visibility,
            health: queue.health.clone(),
            check: format!("deleting from {}", queue.spec.name),
        }
    }

    pub(super) fn works(&self) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.health.works(&self.check);
    }

    /// Records a failure. The health fails once deletes have failed for a visibility timeout.
    pub(super) fn fails(&self, reason: &str) {
        let now = Instant::now();
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let since = failing.map_or(now, |failing| failing.since);
        *failing = Some(Failing { since, last: now });
        drop(failing);
        if now - since >= self.visibility {
            self.health.fails(&self.check, reason);
        }
    }

    /// Forgets a failure after twice the visibility timeout, when its message was delivered again
    /// or is deleted after all. Each poll calls this, because an idle queue has nothing to delete.
    pub(super) fn forget_old(&self) {
        let failing = *self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.is_some_and(|failing| failing.last.elapsed() > 2 * self.visibility) {
            self.works();
        }
    }
}
