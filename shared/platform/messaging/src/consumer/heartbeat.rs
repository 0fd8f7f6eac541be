//! The heartbeat: extends the visibility timeout of messages in flight.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tracing::warn;

use super::lease::{Lease, Leases};
use super::queue::Queue;
use crate::quota::BATCH;

/// The task that extends leases.
pub(super) struct Heartbeat {
    pub(super) queue: Arc<Queue>,
    pub(super) leases: Arc<Leases>,
}

impl Heartbeat {
    /// Runs as long as the consumer.
    pub(super) async fn run(self) {
        // A lease is extended in its second half, so up to four beats can retry a failed extension.
        let beat = (self.leases.visibility() / 8).max(Duration::from_millis(50));
        let mut extensions = FuturesUnordered::new();
        let mut beats = interval(beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Extensions run concurrently, so one that hangs does not delay the other leases.
                _ = beats.tick() => {
                    let due = self.leases.due();
                    for leases in due.chunks(BATCH) {
                        extensions.push(self.extend(leases.to_vec()));
                    }
                }
                Some(()) = extensions.next() => {}
            }
        }
    }

    async fn extend(&self, leases: Vec<Arc<Lease>>) {
        let mut held = vec![];
        for lease in &leases {
            // A locked lease is being extended, and one that is not held is acknowledged.
            if let Ok(guard) = lease.extending.try_lock()
                && self.leases.is_held(lease)
            {
                held.push((lease, guard));
            }
        }
        let visibility = self.leases.visibility();
        let receipts: Vec<_> = held
            .iter()
            .map(|(lease, _)| (lease.delivery.receipt.clone(), visibility))
            .collect();
        let Some(end) = held.iter().map(|(lease, _)| lease.expires()).min() else {
            return;
        };

        let called_at = Instant::now();
        let queue = &*self.queue.spec.name;
        let extending = self.queue.transport.change_visibility(queue, &receipts);
        let Ok(results) = timeout_at(end, extending).await else {
            return; // The next beat marks the leases as lost.
        };
        for ((lease, _guard), result) in held.iter().zip(results) {
            match result {
                Ok(()) => lease.extend_to(called_at + visibility),
                Err(refused) if refused.is_final => self.leases.lose(lease),
                // The next beat retries.
                Err(refused) => {
                    let id = lease.delivery.id;
                    warn!(queue, %id, refused.reason, "could not extend a lease yet");
                }
            }
        }
    }
}
