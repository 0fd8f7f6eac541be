//! How a message goes from one state to the next, and what the counts, the lines of the groups
//! and the timers have to be told of it. Every change of a message's state is made here.

use std::sync::Arc;
use std::time::Duration;

use super::message::{Content, Delivery, Departure, History, Message, State};
use super::{Queue, Receipt, Refusal, Sequence};
use crate::time::Time;

/// When waiting ends of itself.
const NEVER: Time = Time(u64::MAX);

impl Queue {
    pub(super) fn put(
        &mut self,
        now: Time,
        content: Arc<Content>,
        history: History,
        entered: Time,
        delay: Duration,
    ) -> Sequence {
        let ends = now + delay;
        let message = Message {
            content,
            history,
            state: State::Delayed,
            ends,
            entered,
            leased: now,
            receives_here: 0,
            receive: 0,
        };
        let sequence = self.messages.push(message);
        self.depth.delayed += 1;
        if delay.is_zero() {
            self.queue_up(sequence);
        } else {
            self.arm(sequence, ends);
        }
        sequence
    }

    /// Delayed → Waiting.
    pub(super) fn queue_up(&mut self, sequence: Sequence) {
        let Some(message) = self.messages.get_mut(sequence) else {
            return;
        };
        message.state = State::Waiting;
        self.groups.wait(&message.content.group, sequence);
        self.depth.delayed -= 1;
        self.depth.waiting += 1;
        self.arm(sequence, NEVER);
    }

    /// Waiting → InFlight, once the message is out of the line of its group.
    pub(super) fn lift(&mut self, sequence: Sequence) {
        let Some(message) = self.messages.get_mut(sequence) else {
            return;
        };
        message.state = State::InFlight;
        self.depth.waiting -= 1;
        self.depth.in_flight += 1;
    }

    /// InFlight → Waiting.
    pub(super) fn land(&mut self, sequence: Sequence) {
        let Some(message) = self.messages.get_mut(sequence) else {
            return;
        };
        message.state = State::Waiting;
        self.groups.land(&message.content.group, sequence);
        self.depth.in_flight -= 1;
        self.depth.waiting += 1;
        self.arm(sequence, NEVER);
    }

    /// Hands a lifted message to a consumer.
    pub(super) fn lease(
        &mut self,
        now: Time,
        sequence: Sequence,
        visibility: Duration,
    ) -> Option<Delivery> {
        self.last_receive += 1;
        let message = self.messages.get_mut(sequence)?;
        message.receive = self.last_receive;
        message.leased = now;
        message.history.receive_count += 1;
        message.receives_here += 1;
        message.history.first_received.get_or_insert(now);
        let delivery = message.delivery(self.id, sequence);
        self.arm(sequence, now + visibility);
        Some(delivery)
    }

    pub(super) fn remove(&mut self, sequence: Sequence) -> Option<Departure> {
        let message = self.messages.remove(sequence)?;
        match message.state {
            State::Delayed => self.depth.delayed -= 1,
            State::Waiting => {
                self.depth.waiting -= 1;
                self.groups.leave(&message.content.group, sequence, false);
            }
            State::InFlight => {
                self.depth.in_flight -= 1;
                self.groups.leave(&message.content.group, sequence, true);
            }
        }
        let Message {
            content,
            history,
            entered,
            ..
        } = message;
        Some(Departure {
            content,
            history,
            entered,
        })
    }

    /// Sets when the message's state ends, and the message's one timer.
    pub(super) fn arm(&mut self, sequence: Sequence, ends: Time) {
        let Some(message) = self.messages.get_mut(sequence) else {
            return;
        };
        message.ends = ends;
        let at = message.timer(self.settings.retention);
        self.timers.set(at, sequence);
    }

    /// A standard queue lets an older handle change the timeout of a later receive.
    pub(super) fn latest(&self, receipt: Receipt) -> Receipt {
        match self.messages.get(receipt.message) {
            Some(message) if !self.settings.fifo => Receipt {
                receive: message.receive,
                ..receipt
            },
            _ => receipt,
        }
    }

    /// The state of the message, if the handle is from its latest receive.
    pub(super) fn state_of(&self, receipt: Receipt) -> Result<State, Refusal> {
        if receipt.queue != self.id {
            return Err(Refusal::WrongQueue);
        }
        match self.messages.get(receipt.message) {
            Some(message) if message.receive == receipt.receive => Ok(message.state),
            Some(_) if self.settings.fifo => Err(Refusal::Expired),
            _ => Err(Refusal::Gone),
        }
    }
}

impl Message {
    /// When something next happens to it of itself: its state ends, or its retention.
    pub(super) fn timer(&self, retention: Duration) -> Time {
        self.ends.min(self.entered + retention)
    }

    pub(super) fn delivery(&self, queue: u64, sequence: Sequence) -> Delivery {
        Delivery {
            content: self.content.clone(),
            history: self.history.clone(),
            sequence,
            receipt: Receipt {
                queue,
                message: sequence,
                receive: self.receive,
            },
        }
    }
}
