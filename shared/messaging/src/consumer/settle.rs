//! Settling: deleting what is done, giving back what is not, burying what never will be.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::error;

use super::Running;
use super::outcome::InFlight;
use crate::telemetry;
use crate::transport::{BATCH, Death, Outgoing, Settled};

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

/// HandlerCalls at settling a message, each with the SDK's own retries. After that it comes back by
/// itself, and the inbox knows it.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
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
            self.options.linger
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

    async fn delete(&self, mut messages: Vec<InFlight>) {
        let queue = &*self.spec.name;
        self.end_heartbeats(&messages).await;
        for attempt in 1..=ATTEMPTS {
            let receipts: Vec<_> = messages.iter().map(|m| &*m.delivery.receipt).collect();
            if receipts.is_empty() {
                return;
            }
            let settled = self.transport.delete(queue, &receipts).await;
            let deleted = settled.iter().filter(|outcome| outcome.is_ok()).count();
            self.counters
                .handled
                .fetch_add(deleted as u64, Ordering::Relaxed);
            telemetry::ended(queue, "handled", deleted);
            messages = self.unsettled(messages, settled, "delete");
            if !messages.is_empty() && attempt < ATTEMPTS {
                sleep(PAUSE * attempt).await;
            }
        }
        self.lost(messages.len());
    }

    /// Whatever fails here comes back when its visibility timeout is over, which is soon enough.
    async fn hide(&self, messages: Vec<(InFlight, Duration, Back)>) {
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
        self.unsettled(held, settled, "give back");
    }

    fn gone_back(&self, back: Back) {
        let (count, how) = match back {
            Back::Retried => (&self.counters.retried, "retried"),
            Back::Released => (&self.counters.released, "released"),
        };
        count.fetch_add(1, Ordering::Relaxed);
        telemetry::ended(&self.spec.name, how, 1);
    }

    pub(super) fn lost(&self, count: usize) {
        let lost = &self.counters.lost;
        lost.fetch_add(count as u64, Ordering::Relaxed);
        telemetry::ended(&self.spec.name, "lost", count);
    }

    /// To the dead letters with the reason, and only then out of the queue.
    async fn bury(&self, message: InFlight, reason: String) {
        let queue = &*self.spec.name;
        let delivery = &message.delivery;
        if message.lease.is_over() {
            // Somebody else may have it, and succeed.
            return self.lost(1);
        }
        let death = Death::new(&reason, queue);
        let dead = Outgoing::moved(delivery, self.spec.dead_letters(), Some(death));
        match self
            .transport
            .send(&dead.queue, std::slice::from_ref(&dead))
            .await
            .pop()
        {
            Some(Ok(())) => {
                self.delete_buried(message).await;
                self.counters.rejected.fetch_add(1, Ordering::Relaxed);
                telemetry::ended(queue, "rejected", 1);
            }
            outcome => {
                error!(
                    queue,
                    dead.queue,
                    ?outcome,
                    "cannot bury the message; it stays"
                );
                let time = self.options.backoff.delay(delivery.receive_count);
                self.hide(vec![(message, time, Back::Retried)]).await;
            }
        }
    }

    async fn delete_buried(&self, message: InFlight) {
        let messages = vec![message];
        self.end_heartbeats(&messages).await;
        let receipts: Vec<_> = messages.iter().map(|m| &*m.delivery.receipt).collect();
        let settled = self.transport.delete(&self.spec.name, &receipts).await;
        self.unsettled(messages, settled, "delete");
    }

    /// No heartbeat may come after a settlement. What is done is deleted even if its lease is over:
    /// should the queue still know the receipt, it is not handled once more for nothing.
    async fn end_heartbeats(&self, messages: &[InFlight]) {
        let leases = messages.iter().map(|message| &*message.lease);
        self.leases.end(leases).await;
    }

    /// Those that are worth another attempt.
    fn unsettled(
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
            tracing::debug!(queue, %id, reason, "could not {action} the message");
            if !refused.is_final {
                again.push(message);
            }
        }
        again
    }
}
