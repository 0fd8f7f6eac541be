//! The outbox of a service.

use contracts::{Event, ExpireOrder, topology};

use crate::message::{Body, Message, MessageId};

/// Messages that committed transactions promised to send, each with its queue.
#[derive(Debug)]
pub(crate) struct Outbox {
    service: &'static str,
    pushed: u32,
    rows: Vec<(&'static str, Message)>,
}

impl Outbox {
    pub(crate) fn of(service: &'static str) -> Outbox {
        Outbox {
            service,
            pushed: 0,
            rows: vec![],
        }
    }

    /// Adds a row per queue that the table of queues names for the fact.
    pub(crate) fn push(&mut self, event: &Event, cause: Option<MessageId>) {
        let sent_to = topology::subscription(event.fact);
        for queue in sent_to.into_iter().flat_map(|row| row.queues()) {
            self.add(queue, Body::Event(event.clone()), cause);
        }
    }

    pub(crate) fn push_expiry(&mut self, expire: ExpireOrder) {
        self.add(topology::EXPIRY, Body::Expire(expire), None);
    }

    pub(crate) fn service(&self) -> &'static str {
        self.service
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row at this place, with its queue.
    pub(crate) fn row(&self, place: usize) -> Option<(&'static str, Message)> {
        self.rows.get(place).cloned()
    }

    pub(crate) fn delete(&mut self, place: usize) {
        self.rows.remove(place);
    }

    /// Drops all rows but the first `length`.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.rows.truncate(length);
    }

    fn add(&mut self, queue: &'static str, body: Body, cause: Option<MessageId>) {
        self.pushed += 1;
        let id = MessageId {
            sender: self.service,
            number: self.pushed,
        };
        self.rows.push((queue, Message { id, cause, body }));
    }
}
