//! Receiving: which messages a consumer gets, and how a receive is undone.

use std::sync::Arc;
use std::time::Duration;

use crate::changes::Attempt;
use crate::delivery::{Delivery, Departure};
use crate::message::{Sequence, State};
use crate::queue::Queue;
use crate::receipt::Receipt;
use crate::time::Time;

/// How many messages of a queue may be in flight at a time (an Amazon quota).
pub const MOST_IN_FLIGHT: usize = 120_000;

/// A receive request.
#[derive(Clone, Debug, Default)]
pub struct Receive {
    /// 1 to 10.
    pub max: usize,
    /// 0 s to 12 h; `None` takes the queue's own.
    pub visibility: Option<Duration>,
    /// On a FIFO queue, the same id within five minutes gets the same messages again.
    pub attempt: Option<Arc<str>>,
    /// Receives after which a message is dead; `None` if the queue has no dead-letter queue.
    pub max_receive_count: Option<u32>,
}

/// The result of a receive.
#[derive(Debug)]
pub struct Received<P> {
    pub deliveries: Vec<Delivery<P>>,
    /// Messages that were received too often: they now belong to the dead-letter queue.
    pub dead: Vec<Departure<P>>,
    /// Messages wait, but the queue's limit of messages in flight is reached.
    pub over_limit: bool,
}

impl<P> Default for Received<P> {
    fn default() -> Received<P> {
        Received {
            deliveries: Vec::new(),
            dead: Vec::new(),
            over_limit: false,
        }
    }
}

impl<P> Queue<P> {
    /// Takes up to `request.max` messages, which no other receive sees for the visibility timeout.
    pub fn receive(&mut self, now: Time, request: &Receive) -> Received<P> {
        self.advance(now);
        let visibility = request
            .visibility
            .unwrap_or(self.settings.visibility_timeout);
        let attempt = request.attempt.as_ref().filter(|_| self.settings.fifo);
        if let Some(deliveries) = attempt.and_then(|id| self.repeat(now, id, visibility)) {
            return Received {
                deliveries,
                ..Received::default()
            };
        }

        let mut received = Received::default();
        while received.deliveries.len() < request.max {
            let missing = request.max - received.deliveries.len();
            let room = MOST_IN_FLIGHT.saturating_sub(self.depth.in_flight);
            if room == 0 {
                received.over_limit = self.depth.waiting > 0;
                break;
            }
            let taken = self.groups.take(missing.min(room));
            if taken.is_empty() {
                break;
            }
            received.deliveries.reserve(taken.len());
            for sequence in taken {
                self.mark_in_flight(sequence);
                if self.is_spent(sequence, request.max_receive_count) {
                    received.dead.extend(self.depart(sequence));
                } else {
                    received
                        .deliveries
                        .extend(self.deliver(now, sequence, visibility));
                }
            }
        }

        if let Some(id) = attempt
            && !received.deliveries.is_empty()
        {
            let receipts: Vec<_> = received.deliveries.iter().map(|d| d.receipt).collect();
            if let Some(recorder) = &mut self.recorder {
                recorder.attempt(Attempt {
                    at: now,
                    id: id.clone(),
                    receipts: receipts.clone(),
                });
            }
            self.attempts.put(now, id.clone(), receipts);
        }
        received
    }

    /// Undoes a receive whose client is gone: the messages are back in their places, with the
    /// receive counts that they had.
    pub fn take_back(&mut self, now: Time, deliveries: &[Delivery<P>]) {
        self.advance(now);
        for delivery in deliveries {
            let Some(message) = self.messages.get_mut(delivery.sequence) else {
                continue;
            };
            if message.receive == delivery.receipt.receive && message.state == State::InFlight {
                message.history.receive_count -= 1;
                message.receives_here -= 1;
                if message.history.receive_count == 0 {
                    message.history.first_received = None;
                }
                self.make_visible(delivery.sequence);
            }
        }
    }

    /// Answers a repeated receive attempt with the same messages and restarts their visibility
    /// timeout. `None` if one of them was deleted or made visible since.
    fn repeat(
        &mut self,
        now: Time,
        attempt: &Arc<str>,
        visibility: Duration,
    ) -> Option<Vec<Delivery<P>>> {
        let receipts = self.attempts.get(now, attempt)?.clone();
        let is_untouched = |receipt: &Receipt| self.state_of(*receipt) == Ok(State::InFlight);
        if !receipts.iter().all(is_untouched) {
            return None;
        }
        let messages = receipts.into_iter().map(|receipt| {
            self.set_timer(receipt.message, now + visibility);
            let message = self.messages.get(receipt.message)?;
            Some(Delivery::new(self.id, receipt.message, message))
        });
        messages.collect()
    }

    fn is_spent(&self, sequence: Sequence, limit: Option<u32>) -> bool {
        let message = self.messages.get(sequence);
        limit.is_some_and(|limit| message.is_some_and(|m| m.receives_here >= limit))
    }
}
