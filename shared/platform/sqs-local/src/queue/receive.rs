//! Receiving: which messages a consumer gets, and how a receive is undone.

use std::sync::Arc;
use std::time::Duration;

use super::message::State;
use super::{Delivery, Departure, Queue, Sequence};
use crate::settings::MOST_IN_FLIGHT;
use crate::time::Time;

/// What a receive asks for.
#[derive(Clone, Debug, Default)]
pub struct Receive {
    /// 1 to 10.
    pub max: usize,
    /// 0 s to 12 h; `None` takes the queue's own.
    pub visibility: Option<Duration>,
    /// On a FIFO queue, the same id within five minutes gets the same messages again.
    pub attempt: Option<Arc<str>>,
    /// Where a message goes that was received this often; `None` when there is no such place.
    pub give_up_after: Option<u32>,
    /// How many messages to pass over: 0, but for reordering on request.
    pub skip: usize,
}

/// What a receive found.
#[derive(Debug, Default)]
pub struct Received {
    pub deliveries: Vec<Delivery>,
    /// Messages that were received too often: they now belong to the dead-letter queue.
    pub dead: Vec<Departure>,
    /// Messages wait, but as many are in flight as the queue allows.
    pub over_limit: bool,
}

impl Queue {
    /// Takes up to `request.max` messages, which no other receive sees for the visibility timeout.
    pub fn receive(&mut self, now: Time, request: &Receive) -> Received {
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
            let wanted = request.max - received.deliveries.len();
            let room = MOST_IN_FLIGHT.saturating_sub(self.depth.in_flight);
            if room == 0 {
                received.over_limit = self.depth.waiting > 0;
                break;
            }
            let taken = self.groups.take(wanted.min(room), request.skip);
            if taken.is_empty() {
                break;
            }
            received.deliveries.reserve(taken.len());
            for sequence in taken {
                self.lift(sequence);
                if self.is_spent(sequence, request.give_up_after) {
                    received.dead.extend(self.remove(sequence));
                } else {
                    received
                        .deliveries
                        .extend(self.lease(now, sequence, visibility));
                }
            }
        }

        if let Some(id) = attempt
            && !received.deliveries.is_empty()
        {
            self.attempts
                .put(now, id.clone(), received.deliveries.clone());
        }
        received
    }

    /// Undoes a receive whose client is gone: the messages are back in their places, as if they
    /// had never been out.
    pub fn take_back(&mut self, now: Time, deliveries: &[Delivery]) {
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
                self.land(delivery.sequence);
            }
        }
    }

    /// Answers a receive that was answered before with the same messages, provided that none of
    /// them has been deleted or given back, and counts their visibility timeout afresh.
    fn repeat(
        &mut self,
        now: Time,
        attempt: &Arc<str>,
        visibility: Duration,
    ) -> Option<Vec<Delivery>> {
        let deliveries = self.attempts.get(now, attempt)?.clone();
        let untouched = |d: &Delivery| self.state_of(d.receipt) == Ok(State::InFlight);
        if !deliveries.iter().all(untouched) {
            return None;
        }
        for delivery in &deliveries {
            self.arm(delivery.sequence, now + visibility);
        }
        Some(deliveries)
    }

    fn is_spent(&self, sequence: Sequence, limit: Option<u32>) -> bool {
        let message = self.messages.get(sequence);
        limit.is_some_and(|limit| message.is_some_and(|m| m.receives_here >= limit))
    }
}
