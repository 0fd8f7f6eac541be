//! The last stage: deletes handled messages, returns failed ones to the queue, and moves rejected
//! ones to the dead letters.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, error, warn};

use super::failing_deletes::FailingDeletes;
use super::in_flight::{Ended, InFlight, Outcome};
use super::lease::Leases;
use super::queue::Queue;
use super::summary::Counters;
use super::unattempted::UnattemptedReceives;
use crate::fault::Retry;
use crate::quota::{BATCH, LONGEST_VISIBILITY};
use crate::transport::{EntryResult, Refused};
use crate::{ConsumerOptions, Fault};

/// Attempts at a call, each with the SDK's own retries. After that the message is delivered again,
/// and the inbox recognises it.
pub(super) const ATTEMPTS: u32 = 3;
/// The pause after the first of them. It grows by as much with each.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
/// Maximum concurrent calls: 32. It allows 10,000 messages per second on a server that is 20 ms
/// away, and limits the connections that a burst opens.
const CALLS: usize = 32;

/// The stage that acknowledges.
pub(super) struct Acknowledger {
    pub(super) queue: Arc<Queue>,
    pub(super) leases: Arc<Leases>,
    pub(super) options: ConsumerOptions,
    pub(super) counters: Arc<Counters>,
    pub(super) failing: Arc<FailingDeletes>,
}

/// The call that a message needs.
enum Action {
    Delete,
    Return(Return),
    MoveToDlq(String),
}

/// Making a message visible again.
#[derive(Clone, Copy)]
pub(super) struct Return {
    pub(super) after: Duration,
    /// Whether an attempt has failed.
    pub(super) is_retry: bool,
}

impl Acknowledger {
    /// Collects acknowledgements into batches. Runs as long as the consumer.
    pub(super) async fn run(self, mut input: UnboundedReceiver<Ended>) {
        // No linger in a FIFO queue, where the next message of a group waits for this one.
        let linger = if self.queue.is_fifo() {
            Duration::ZERO
        } else {
            self.options.linger
        };
        let this = Arc::new(self);
        let calls = Arc::new(Semaphore::new(CALLS));
        let mut unattempted = UnattemptedReceives::default();
        while let Some(first) = input.recv().await {
            let deadline = Instant::now() + linger;
            let (mut deletes, mut returns) = (vec![], vec![]);
            let mut next = Some(first);
            while let Some((message, outcome)) = next {
                match this.action(&message, outcome, &mut unattempted) {
                    Some(Action::Delete) => deletes.push(message),
                    Some(Action::Return(again)) => returns.push((message, again)),
                    Some(Action::MoveToDlq(reason)) => {
                        let this = this.clone();
                        tokio::spawn(async move { this.move_to_dlq(message, reason).await });
                    }
                    None => this.counters.lost(1),
                }
                if deletes.len() == BATCH || returns.len() == BATCH {
                    break;
                }
                // Waiting messages are taken even after the deadline.
                next = match input.try_recv() {
                    Ok(more) => Some(more),
                    Err(_) => timeout_at(deadline, input.recv()).await.ok().flatten(),
                };
            }
            // The semaphore is never closed. Messages that arrive meanwhile wait and share a call.
            let Ok(permit) = calls.clone().acquire_owned().await else {
                return;
            };
            this.clone().flush(deletes, returns, permit);
        }
    }

    fn flush(
        self: Arc<Self>,
        deletes: Vec<InFlight>,
        returns: Vec<(InFlight, Return)>,
        permit: OwnedSemaphorePermit,
    ) {
        tokio::spawn(async move {
            let _permit = permit;
            if !deletes.is_empty() {
                self.delete(deletes).await;
            }
            if !returns.is_empty() {
                self.return_all(returns).await;
            }
        });
    }

    /// The call for an outcome; `None` if the lease has expired.
    fn action(
        &self,
        message: &InFlight,
        outcome: Outcome,
        unattempted: &mut UnattemptedReceives,
    ) -> Option<Action> {
        let (queue, id) = (&*self.queue.spec.name, message.delivery.id);
        Some(match outcome {
            Outcome::Done => {
                unattempted.forget(id);
                Action::Delete
            }
            Outcome::Returned => {
                unattempted.add(id);
                Action::Return(Return {
                    after: Duration::ZERO,
                    is_retry: false,
                })
            }
            Outcome::Failed(fault) => self.action_after(message, fault, unattempted),
            Outcome::LeaseExpired => {
                warn!(queue, %id, "the lease expired: it took too long, or another has it");
                return None;
            }
        })
    }

    /// A retry, unless the fault or the number of attempts forbids it.
    fn action_after(
        &self,
        message: &InFlight,
        Fault { retry, reason }: Fault,
        unattempted: &mut UnattemptedReceives,
    ) -> Action {
        let (queue, delivery) = (&*self.queue.spec.name, &message.delivery);
        let (id, receives) = (delivery.id, delivery.receive_count);
        let attempts = receives.saturating_sub(unattempted.count(id)).max(1);
        let is_last = attempts >= self.queue.spec.max_attempts;
        let after = match retry {
            Retry::Never => {
                unattempted.forget(id);
                error!(queue, %id, reason, "rejected the message");
                return Action::MoveToDlq(reason);
            }
            _ if is_last => {
                unattempted.forget(id);
                error!(queue, %id, reason, attempts, receives, "gave up on the message");
                return Action::MoveToDlq(format!("gave up after {attempts} attempts: {reason}"));
            }
            Retry::WithBackoff => self.options.backoff.delay(attempts),
            Retry::After(delay) => delay.min(LONGEST_VISIBILITY),
        };
        warn!(queue, %id, reason, attempts, delay = ?after, "left the message in the queue");
        Action::Return(Return {
            after,
            is_retry: true,
        })
    }

    /// Makes messages visible again. If that fails for one, it becomes visible when its visibility
    /// timeout ends.
    pub(super) async fn return_all(&self, messages: Vec<(InFlight, Return)>) {
        let leases = messages.iter().map(|(message, _)| &*message.lease);
        self.leases.end(leases).await;
        let (mut held, mut receipts) = (vec![], vec![]);
        for (message, again) in messages {
            if message.lease.is_over() {
                // Another process may have it.
                self.counters.lost(1);
                continue;
            }
            receipts.push((message.delivery.receipt.clone(), again.after));
            held.push((message, again));
        }
        if receipts.is_empty() {
            return;
        }
        let queue = &self.queue;
        let results = queue
            .transport
            .change_visibility(&queue.spec.name, &receipts)
            .await;
        for (result, (_, again)) in results.iter().zip(&held) {
            match result {
                Ok(()) if again.is_retry => self.counters.retried(1),
                Ok(()) => self.counters.returned(1),
                Err(_) => self.counters.lost(1),
            }
        }
        let refused = results.iter().filter_map(|result| result.as_ref().err());
        let refused: Vec<_> = refused.filter(|refused| !refused.is_final).collect();
        if let Some(Refused { reason, .. }) = refused.first() {
            let (queue, count) = (&*queue.spec.name, refused.len());
            warn!(
                queue,
                count,
                reason,
                "could not return messages: they come back after their visibility timeout"
            );
        }
        let held = held.into_iter().map(|(message, _)| message).collect();
        self.retryable(held, results, "return");
    }

    /// Ends the heartbeats of messages, because none may follow the acknowledgement. A handled
    /// message is deleted even if its lease is over: if its receipt is still valid, it is not
    /// delivered again.
    pub(super) async fn end_heartbeats(&self, messages: &[InFlight]) {
        let leases = messages.iter().map(|message| &*message.lease);
        self.leases.end(leases).await;
    }

    /// The messages whose call failed with a transient error.
    pub(super) fn retryable(
        &self,
        messages: Vec<InFlight>,
        results: Vec<EntryResult>,
        action: &'static str,
    ) -> Vec<InFlight> {
        let queue = &*self.queue.spec.name;
        let mut again = vec![];
        for (message, result) in messages.into_iter().zip(results) {
            let Err(refused) = result else { continue };
            let (id, reason) = (message.delivery.id, refused.reason);
            debug!(queue, %id, reason, "could not {action} the message");
            // A final refusal means that the receipt is invalid: another process has the message,
            // or it is deleted.
            if !refused.is_final {
                again.push(message);
            }
        }
        again
    }
}
