//! Looking at what a queue holds without receiving it. Nothing pays for this until it is asked.

use super::message::State;
use super::{Delivery, Queue};
use crate::time::Time;

impl Queue {
    /// The messages in order, with their state, without receiving them. Looks at all of them.
    pub fn peek(&mut self, now: Time, limit: usize) -> Vec<(&'static str, Delivery)> {
        self.advance(now);
        let mut sequences: Vec<_> = self.messages.keys().copied().collect();
        sequences.sort_unstable();
        sequences.truncate(limit);
        let look = |sequence| {
            let message = &self.messages[&sequence];
            let state = match message.state {
                State::Delayed => "delayed",
                State::Waiting => "waiting",
                State::InFlight => "in flight",
            };
            (state, message.delivery(self.id, sequence))
        };
        sequences.into_iter().map(look).collect()
    }

    /// When the oldest message entered the queue. Looks at all of them.
    pub fn oldest(&mut self, now: Time) -> Option<Time> {
        self.advance(now);
        self.messages.values().map(|message| message.entered).min()
    }
}
