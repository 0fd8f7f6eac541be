//! Deleting messages that are handled, and reporting when that fails for long.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;

use super::Queue;
use super::acknowledge::{ATTEMPTS, Acknowledger, PAUSE};
use super::in_flight::InFlight;
use crate::Health;

/// Since when deletes fail, and when the last one did.
///
/// A single failure does not make a service unready: its message comes back after the visibility
/// timeout, and the inbox recognises it. If that delete fails as well, the problem lasts: every
/// message is delivered again and again.
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

    fn works(&self) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.health.works(&self.check);
    }

    /// Unhealthy once deletes have been failing for a visibility timeout.
    fn fails(&self, reason: &str) {
        let now = Instant::now();
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let since = failing.map_or(now, |failing| failing.since);
        *failing = Some(Failing { since, last: now });
        drop(failing);
        if now - since >= self.visibility {
            self.health.fails(&self.check, reason);
        }
    }

    /// Forgets a failure that is so long ago that its message has come back, if it was not deleted
    /// after all. Called by every poll, as an idle queue has nothing to delete.
    pub(super) fn forget_old(&self) {
        let failing = *self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.is_some_and(|failing| failing.last.elapsed() > 2 * self.visibility) {
            self.works();
        }
    }
}

impl Acknowledger {
    pub(super) async fn delete(&self, messages: Vec<InFlight>) {
        let (deleted, left) = self.delete_all(messages).await;
        self.counters.handled(deleted);
        self.counters.lost(left.len());
    }

    /// Returns how many are deleted, and those that are still there, as far as is known.
    pub(super) async fn delete_all(&self, mut messages: Vec<InFlight>) -> (usize, Vec<InFlight>) {
        let queue = &*self.queue.spec.name;
        self.end_heartbeats(&messages).await;
        let mut deleted = 0;
        for attempt in 1..=ATTEMPTS {
            let receipts: Vec<_> = messages.iter().map(|m| &*m.delivery.receipt).collect();
            if receipts.is_empty() {
                break;
            }
            let results = self.queue.transport.delete(queue, &receipts).await;
            let mut refused = results.iter().filter_map(|result| result.as_ref().err());
            let reason = refused.next().map(|refused| refused.reason.clone());
            deleted += results.iter().filter(|result| result.is_ok()).count();
            messages = self.worth_another_attempt(messages, results, "delete");
            if messages.is_empty() {
                self.failing.works();
            } else if attempt < ATTEMPTS {
                sleep(PAUSE * attempt).await;
            } else {
                let (count, reason) = (messages.len(), reason.unwrap_or_default());
                warn!(
                    queue,
                    count, reason, "could not delete messages; they come again"
                );
                self.failing.fails(&reason);
            }
        }
        (deleted, messages)
    }
}
