//! Deletes of handled messages.

use tokio::time::sleep;
use tracing::warn;

use super::acknowledge::{ATTEMPTS, Acknowledger, PAUSE};
use super::in_flight::InFlight;

impl Acknowledger {
    pub(super) async fn delete(&self, messages: Vec<InFlight>) {
        let (deleted, left) = self.delete_all(messages).await;
        self.counters.handled(deleted);
        self.counters.lost(left.len());
    }

    /// Deletes messages. Returns the number of deleted ones, and those that may still exist.
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
            messages = self.retryable(messages, results, "delete");
            if messages.is_empty() {
                self.failing.works();
            } else if attempt < ATTEMPTS {
                sleep(PAUSE * attempt).await;
            } else {
                let (count, reason) = (messages.len(), reason.unwrap_or_default());
                warn!(
                    queue,
                    count, reason, "could not delete messages: they are delivered again"
                );
                self.failing.fails(&reason);
            }
        }
        (deleted, messages)
    }
}
