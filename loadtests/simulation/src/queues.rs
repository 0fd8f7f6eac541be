//! The queues: at least once, in any order, with delays.

use std::collections::BTreeMap;
use std::mem;

use contracts::topology::{self, PAYMENT};

use crate::message::{Body, Message, MessageId};

/// Every queue of the table, with its dead letters.
#[derive(Debug)]
pub(crate) struct Queues {
    queues: Vec<Queue>,
    /// The answer to each message in each queue, to see that it is published once.
    answers: BTreeMap<(MessageId, &'static str), MessageId>,
    /// The first message that was answered twice.
    pub(crate) answered_twice: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: &'static str,
    has_delay: bool,
    /// Messages that can be received.
    visible: Vec<Message>,
    /// Messages whose delay has not ended.
    delayed: Vec<Message>,
    /// Why each dead letter was rejected.
    pub(crate) dead_letters: Vec<String>,
}

impl Queues {
    pub(crate) fn new() -> Queues {
        let all = topology::queues(topology::Settings::default());
        let queues = all.into_iter().map(|queue| Queue {
            name: queue.name,
            has_delay: !queue.delay.is_zero(),
            visible: vec![],
            delayed: vec![],
            dead_letters: vec![],
        });
        Queues {
            queues: queues.collect(),
            answers: BTreeMap::new(),
            answered_twice: None,
        }
    }

    pub(crate) fn send(&mut self, name: &'static str, message: Message) {
        if let Some(cause) = message.cause {
            let first = *self.answers.entry((cause, name)).or_insert(message.id);
            if first != message.id && self.answered_twice.is_none() {
                self.answered_twice = Some(format!("{message} is published twice for one message"));
            }
        }
        let queue = self.queue(name);
        match queue.has_delay || matches!(message.body, Body::Expire(_)) {
            true => queue.delayed.push(message),
            false => queue.visible.push(message),
        }
    }

    /// The number of messages that the payment service can receive.
    pub(crate) fn to_call(&self) -> usize {
        let payment = self.queues.iter().filter(|queue| queue.name == PAYMENT);
        payment.map(|queue| queue.visible.len()).sum()
    }

    /// The number of messages that all other services can receive.
    pub(crate) fn to_deliver(&self) -> usize {
        let others = self.queues.iter().filter(|queue| queue.name != PAYMENT);
        others.map(|queue| queue.visible.len()).sum()
    }

    pub(crate) fn delayed(&self) -> usize {
        self.queues.iter().map(|queue| queue.delayed.len()).sum()
    }

    /// A message for the payment service. It stays in the queue until it is deleted.
    pub(crate) fn receive_for_payment(&mut self, place: usize) -> Message {
        self.queue(PAYMENT).visible[place].clone()
    }

    /// Up to `batch` messages of one queue, from this place among the messages of all services but
    /// payment. They stay in the queue until they are deleted.
    pub(crate) fn receive(&self, place: usize, batch: usize) -> (&'static str, Vec<Message>) {
        let mut place = place;
        for queue in self.queues.iter().filter(|queue| queue.name != PAYMENT) {
            if let Some(rest) = queue.visible.get(place..).filter(|rest| !rest.is_empty()) {
                return (queue.name, rest[..batch.min(rest.len())].to_vec());
            }
            place -= queue.visible.len();
        }
        unreachable!("the place is less than `to_deliver`")
    }

    /// Deletes one copy of a message.
    pub(crate) fn delete(&mut self, name: &'static str, id: MessageId) {
        let visible = &mut self.queue(name).visible;
        if let Some(place) = visible.iter().position(|message| message.id == id) {
            visible.remove(place);
        }
    }

    pub(crate) fn reject(&mut self, name: &'static str, message: &Message, reason: &str) {
        self.delete(name, message.id);
        let reason = format!("{message} is rejected: {reason}");
        self.queue(name).dead_letters.push(reason);
    }

    /// Makes the delayed message at this place visible, and returns it.
    pub(crate) fn end_delay(&mut self, place: usize) -> Option<&Message> {
        let mut place = place;
        for queue in &mut self.queues {
            if place < queue.delayed.len() {
                let message = queue.delayed.remove(place);
                queue.visible.push(message);
                return queue.visible.last();
            }
            place -= queue.delayed.len();
        }
        None
    }

    /// Removes the message at this place for good or, if its queue is purged, all messages with it.
    pub(crate) fn lose(&mut self, place: usize, is_purged: bool) -> Vec<(&'static str, Message)> {
        let mut place = place;
        for queue in &mut self.queues {
            if place >= queue.len() {
                place -= queue.len();
                continue;
            }
            let lost = match (is_purged, place.checked_sub(queue.visible.len())) {
                (true, _) => {
                    [mem::take(&mut queue.visible), mem::take(&mut queue.delayed)].concat()
                }
                (false, None) => vec![queue.visible.remove(place)],
                (false, Some(place)) => vec![queue.delayed.remove(place)],
            };
            return lost
                .into_iter()
                .map(|message| (queue.name, message))
                .collect();
        }
        vec![]
    }

    /// The number of messages in every queue.
    pub(crate) fn len(&self) -> usize {
        self.to_call() + self.to_deliver() + self.delayed()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Queue> {
        self.queues.iter()
    }

    fn queue(&mut self, name: &'static str) -> &mut Queue {
        let mut all = self.queues.iter_mut();
        let found = all.find(|queue| queue.name == name);
        found.expect("every destination has a row in the table of queues")
    }
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.visible.len() + self.delayed.len()
    }
}
