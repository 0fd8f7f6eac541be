//! How a message goes from one state to the next. Every change of a message's state is made here,
//! and updates the counts, the lines of the groups and the timers.

use std::sync::Arc;
use std::time::Duration;

use crate::changes::Origin;
use crate::delivery::{Delivery, Departure};
use crate::message::{Content, History, Message, Sequence, State};
use crate::queue::Queue;
use crate::receipt::{Receipt, Refusal};
use crate::time::Time;

/// The end of a state that does not end by itself.
const NEVER: Time = Time(u64::MAX);

impl<P> Queue<P> {
    /// Adds a message as `Delayed`, or as `Waiting` if there is no delay.
    pub(crate) fn insert(
        &mut self,
        now: Time,
        content: Arc<Content<P>>,
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
            received: now,
            receives_here: 0,
            receive: 0,
        };
        let sequence = self.messages.push(message);
        self.depth.delayed += 1;
        if delay.is_zero() {
            self.end_delay(sequence);
        } else {
            self.set_timer(sequence, ends);
        }
        sequence
    }

    /// Delayed → Waiting.
    pub(crate) fn end_delay(&mut self, sequence: Sequence) {
        let Some(message) = self.messages.get_mut(sequence) else {
            return;
        };
        message.state = State::Waiting;
        self.groups.add(&message.content.group, sequence);
        self.depth.delayed -= 1;
        self.depth.waiting += 1;
        self.set_timer(sequence, NEVER);
    }

    /// Waiting → InFlight, for a message that is out of the line of its group already.
    pub(crate) fn mark_in_flight(&mut self, sequence: Sequence) {
        let Some(message) = self.messages.get_mut(sequence) else {
            return;
        };
        message.state = State::InFlight;
        self.depth.waiting -= 1;
        self.depth.in_flight += 1;
    }

    /// InFlight → Waiting.
    pub(crate) fn make_visible(&mut self, sequence: Sequence) {
        let Some(message) = self.messages.get_mut(sequence) else {
            return;
        };
        message.state = State::Waiting;
        self.groups.return_message(&message.content.group, sequence);
        self.depth.in_flight -= 1;
        self.depth.waiting += 1;
        self.set_timer(sequence, NEVER);
    }

    /// Counts a receive of a message that is in flight, and starts its visibility timeout.
    pub(crate) fn deliver(
        &mut self,
        now: Time,
        sequence: Sequence,
        visibility: Duration,
    ) -> Option<Delivery<P>> {
        self.last_receive += 1;
        let message = self.messages.get_mut(sequence)?;
        message.receive = self.last_receive;
        message.received = now;
        message.history.receive_count += 1;
        message.receives_here += 1;
        message.history.first_received.get_or_insert(now);
        let delivery = Delivery::new(self.id, sequence, message);
        self.set_timer(sequence, now + visibility);
        Some(delivery)
    }

    /// Removes a message in any state.
    pub(crate) fn remove(&mut self, sequence: Sequence) {
        self.take(sequence);
        self.touch(sequence);
    }

    /// Removes a message that moves to another queue.
    pub(crate) fn depart(&mut self, sequence: Sequence) -> Option<Departure<P>> {
        let message = self.take(sequence)?;
        if let Some(recorder) = &mut self.recorder {
            recorder.depart(sequence);
        }
        Some(Departure {
            content: message.content,
            history: message.history,
            entered: message.entered,
            from: Origin {
                queue: self.id,
                sequence,
            },
        })
    }

    fn take(&mut self, sequence: Sequence) -> Option<Message<P>> {
        let message = self.messages.remove(sequence)?;
        match message.state {
            State::Delayed => self.depth.delayed -= 1,
            State::Waiting => {
                self.depth.waiting -= 1;
                self.groups.remove(&message.content.group, sequence, false);
            }
            State::InFlight => {
                self.depth.in_flight -= 1;
                self.groups.remove(&message.content.group, sequence, true);
            }
        }
        Some(message)
    }

    fn touch(&mut self, sequence: Sequence) {
        if let Some(recorder) = &mut self.recorder {
            recorder.touch(sequence);
        }
    }

    /// Sets when the message's state ends, and the message's one timer.
    pub(crate) fn set_timer(&mut self, sequence: Sequence, ends: Time) {
        let Some(message) = self.messages.get_mut(sequence) else {
            return;
        };
        message.ends = ends;
        let at = message.timer(self.settings.retention);
        self.timers.set(at, sequence);
        self.touch(sequence);
    }

    /// The receipt of the latest receive: a standard queue lets an older handle change the timeout
    /// of a later receive.
    pub(crate) fn latest(&self, receipt: Receipt) -> Receipt {
        match self.messages.get(receipt.message) {
            Some(message) if !self.settings.fifo => Receipt {
                receive: message.receive,
                ..receipt
            },
            _ => receipt,
        }
    }

    /// The state of the message, if the handle is from its latest receive.
    pub(crate) fn state_of(&self, receipt: Receipt) -> Result<State, Refusal> {
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

impl<P> Message<P> {
    /// When something next happens to it by itself: the end of its state, or of its retention.
    pub(crate) fn timer(&self, retention: Duration) -> Time {
        self.ends.min(self.entered + retention)
    }
}
