//! Looking at what a queue holds without receiving it. Nothing pays for this until it is asked.

use super::message::{Message, State};
use super::{Delivery, Queue, Sequence};
use crate::time::Time;

impl Queue {
    /// The messages in order, with their state, without receiving them.
    pub fn peek(&mut self, now: Time, limit: usize) -> Vec<(&'static str, Delivery)> {
        self.advance(now);
        let look = |(sequence, message): (Sequence, &Message)| {
            let state = match message.state {
                State::Delayed => "delayed",
                State::Waiting => "waiting",
                State::InFlight => "in flight",
            };
            (state, message.delivery(self.id, sequence))
        };
        self.messages.iter().take(limit).map(look).collect()
    }

    /// When the oldest message entered the queue. Looks at all of them.
    pub fn oldest(&mut self, now: Time) -> Option<Time> {
        self.advance(now);
        let entered = self.messages.iter().map(|(_, message)| message.entered);
        entered.min()
    }
}
