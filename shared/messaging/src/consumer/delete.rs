//! Deleting what is done, and showing when that fails for long.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;

use super::Running;
use super::outcome::InFlight;
use super::settle::{ATTEMPTS, PAUSE};
use crate::telemetry;

/// Since when deletes fail, and when the last one did.
///
/// One that fails is nothing to be unready for: its message comes back after the visibility
/// timeout, and the inbox knows it. If that is not deleted either, the trouble lasts: every message
/// is handled again and again.
#[derive(Default)]
pub(super) struct Undeleted(Mutex<Option<(Instant, Instant)>>);

impl Undeleted {
    /// Whether deletes have been failing for a visibility timeout.
    fn fails(&self, visibility: Duration) -> bool {
        let now = Instant::now();
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, _) = failing.unwrap_or((now, now));
        *failing = Some((first, now));
        now - first >= visibility
    }

    fn works(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the last failure is so long ago that what it concerned has come back, if it was not
    /// deleted after all.
    fn is_over(&self, visibility: Duration) -> bool {
        let failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failing.is_some_and(|(_, last)| last.elapsed() > 2 * visibility)
    }
}

impl Running {
    pub(super) async fn delete(&self, messages: Vec<InFlight>) {
        let (deleted, left) = self.delete_all(messages).await;
        let handled = &self.tally.handled;
        handled.fetch_add(deleted as u64, Ordering::Relaxed);
        telemetry::ended(&self.spec.name, "handled", deleted);
        self.lost(left.len());
    }

    /// Returns how many are deleted, and those that are still there, as far as is known.
    pub(super) async fn delete_all(&self, mut messages: Vec<InFlight>) -> (usize, Vec<InFlight>) {
        let queue = &*self.spec.name;
        self.end_heartbeats(&messages).await;
        let mut deleted = 0;
        for attempt in 1..=ATTEMPTS {
            let receipts: Vec<_> = messages.iter().map(|m| &*m.delivery.receipt).collect();
            if receipts.is_empty() {
                break;
            }
            let settled = self.transport.delete(queue, &receipts).await;
            let refused = settled.iter().filter_map(|outcome| outcome.as_ref().err());
            let reason = refused.map(|refused| refused.reason.clone()).next();
            deleted += settled.iter().filter(|outcome| outcome.is_ok()).count();
            messages = self.unsettled(messages, settled, "delete");
            if messages.is_empty() {
                self.deletes_work();
            } else if attempt < ATTEMPTS {
                sleep(PAUSE * attempt).await;
            } else {
                self.deletes_fail(messages.len(), &reason.unwrap_or_default());
            }
        }
        (deleted, messages)
    }

    /// A failure that was long ago is over, though no delete has shown it.
    pub(super) fn forget_old_deletes(&self) {
        if self.undeleted.is_over(self.leases.visibility()) {
            self.deletes_work();
        }
    }

    fn deletes_work(&self) {
        self.undeleted.works();
        self.health.works(&self.deleting());
    }

    fn deletes_fail(&self, count: usize, reason: &str) {
        let queue = &*self.spec.name;
        warn!(
            queue,
            count, reason, "could not delete messages; they come again"
        );
        if self.undeleted.fails(self.leases.visibility()) {
            self.health.fails(&self.deleting(), reason);
        }
    }

    fn deleting(&self) -> String {
        format!("deleting from {}", self.spec.name)
    }
}
