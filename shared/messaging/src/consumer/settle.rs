//! Settling: deleting what is done, giving back what is not, burying what never will be.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::Running;
use super::outcome::InFlight;
use crate::telemetry;
use crate::transport::{BATCH, Refused, Settled};

/// What is to become of a message.
pub(super) enum Settlement {
    Delete,
    Hide(Duration, Back),
    /// To the dead letters, with the reason.
    Bury(String),
}

/// Why a message goes back to its queue.
#[derive(Clone, Copy)]
pub(super) enum Back {
    Retried,
    Released,
}

/// Attempts at settling a message, each with the SDK's own retries. After that it comes back by
/// itself, and the inbox knows it.
pub(super) const ATTEMPTS: u32 = 3;
pub(super) const PAUSE: Duration = Duration::from_millis(200);
/// Calls that settle messages at once: what 10,000 messages a second take of a server that is 20 ms
/// away, and a bound to the connections that a burst opens.
const CALLS: usize = 32;

impl Running {
    /// Collects settlements into batches. Runs as long as the consumer.
    pub(super) async fn settle(
        self: Arc<Self>,
        mut settlements: UnboundedReceiver<(InFlight, Settlement)>,
    ) {
        // In a FIFO queue the next of a group waits for this one, so it does not linger.
        let linger = if self.is_fifo() {
            Duration::ZERO
        } else {
            self.limits.linger
        };
        let calls = Arc::new(Semaphore::new(CALLS));
        while let Some(first) = settlements.recv().await {
            let deadline = Instant::now() + linger;
            let mut deletes = vec![];
            let mut hides = vec![];
            let mut next = Some(first);
            while let Some((message, settlement)) = next {
                match settlement {
                    Settlement::Delete => deletes.push(message),
                    Settlement::Hide(time, back) => hides.push((message, time, back)),
                    Settlement::Bury(reason) => {
                        let running = self.clone();
                        tokio::spawn(async move { running.bury(message, reason).await });
                    }
                }
                if deletes.len() == BATCH || hides.len() == BATCH {
                    break;
                }
                // What is there already is taken even when the time is over.
                next = match settlements.try_recv() {
                    Ok(more) => Some(more),
                    Err(_) => timeout_at(deadline, settlements.recv())
                        .await
                        .ok()
                        .flatten(),
                };
            }
            // Closed by nobody. What comes meanwhile waits in the channel, and shares a call.
            let Ok(permit) = calls.clone().acquire_owned().await else {
                return;
            };
            self.clone().flush(deletes, hides, permit);
        }
    }

    fn flush(
        self: Arc<Self>,
        deletes: Vec<InFlight>,
        hides: Vec<(InFlight, Duration, Back)>,
        permit: OwnedSemaphorePermit,
    ) {
        tokio::spawn(async move {
            let _permit = permit;
            if !deletes.is_empty() {
                self.delete(deletes).await;
            }
            if !hides.is_empty() {
                self.hide(hides).await;
            }
        });
    }

    /// Whatever fails here comes back when its visibility timeout is over, which is soon enough.
    pub(super) async fn hide(&self, messages: Vec<(InFlight, Duration, Back)>) {
        let leases = messages.iter().map(|(message, ..)| &*message.lease);
        self.leases.end(leases).await;
        let (mut held, mut backs, mut receipts) = (vec![], vec![], vec![]);
        for (message, time, back) in messages {
            if message.lease.is_over() {
                // Somebody else may have it, and keeps it.
                self.lost(1);
                continue;
            }
            receipts.push((message.delivery.receipt.clone(), time));
            backs.push(back);
            held.push(message);
        }
        if receipts.is_empty() {
            return;
        }
        let settled = self.transport.hide(&self.spec.name, &receipts).await;
        for (outcome, back) in settled.iter().zip(backs) {
            match outcome {
                Ok(()) => self.gone_back(back),
                Err(_) => self.lost(1),
            }
        }
        let refused = settled.iter().filter_map(|outcome| outcome.as_ref().err());
        let refused: Vec<_> = refused.filter(|refused| !refused.is_final).collect();
        if let Some(Refused { reason, .. }) = refused.first() {
            let (queue, count) = (&*self.spec.name, refused.len());
            warn!(
                queue,
                count, reason, "could not give messages back; they come by themselves"
            );
        }
        self.unsettled(held, settled, "give back");
    }

    fn gone_back(&self, back: Back) {
        let (count, how) = match back {
            Back::Retried => (&self.tally.retried, "retried"),
            Back::Released => (&self.tally.released, "released"),
        };
        count.fetch_add(1, Ordering::Relaxed);
        telemetry::ended(&self.spec.name, how, 1);
    }

    pub(super) fn lost(&self, count: usize) {
        let lost = &self.tally.lost;
        lost.fetch_add(count as u64, Ordering::Relaxed);
        telemetry::ended(&self.spec.name, "lost", count);
    }

    /// No heartbeat may come after a settlement. What is done is deleted even if its lease is over:
    /// should the queue still know the receipt, it is not handled once more for nothing.
    pub(super) async fn end_heartbeats(&self, messages: &[InFlight]) {
        let leases = messages.iter().map(|message| &*message.lease);
        self.leases.end(leases).await;
    }

    /// Those that are worth another attempt.
    pub(super) fn unsettled(
        &self,
        messages: Vec<InFlight>,
        settled: Vec<Settled>,
        action: &'static str,
    ) -> Vec<InFlight> {
        let queue = &*self.spec.name;
        let mut again = vec![];
        for (message, outcome) in messages.into_iter().zip(settled) {
            let Err(refused) = outcome else { continue };
            let (id, reason) = (message.delivery.id, refused.reason);
            debug!(queue, %id, reason, "could not {action} the message");
            // Else the receipt is no longer good: the message is somebody else's, or gone.
            if !refused.is_final {
                again.push(message);
            }
        }
        again
    }
}
