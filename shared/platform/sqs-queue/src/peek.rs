//! Reading what a queue holds without receiving it. It costs nothing until it is called.

use crate::delivery::Delivery;
use crate::message::State;
use crate::queue::Queue;
use crate::time::Time;

impl<P> Queue<P> {
    /// Up to `limit` messages in the order of their sequence, each with its state.
    pub fn peek(&mut self, now: Time, limit: usize) -> Vec<(State, Delivery<P>)> {
        self.advance(now);
        let messages = self.messages.iter().take(limit);
        messages
            .map(|(sequence, message)| {
                let delivery = Delivery::new(self.id, sequence, message);
                (message.state, delivery)
            })
            .collect()
    }

    /// When the oldest message entered the queue. Reads all of them.
    pub fn oldest(&mut self, now: Time) -> Option<Time> {
        self.advance(now);
        let entered = self.messages.iter().map(|(_, message)| message.entered);
        entered.min()
    }
}
