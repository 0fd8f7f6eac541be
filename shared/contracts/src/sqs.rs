//! How the events travel on SQS.

use messaging::{Destination, Message, QueueSpec};

use crate::topology::{self, EXPIRY};
use crate::{Event, ExpireOrder, Queue};

impl Message for Event {
    const KIND: &'static str = "event";

    fn destinations(&self) -> Vec<Destination> {
        let Some(told) = topology::subscription(self.fact) else {
            return vec![];
        };
        let queue = |name: &&'static str| Destination::queue(*name);
        let at_leisure = told.at_leisure.iter().map(queue);
        told.at_once
            .iter()
            .map(queue)
            .chain(at_leisure.map(Destination::unhurried))
            .collect()
    }
}

impl Message for ExpireOrder {
    const KIND: &'static str = "expire-order";

    fn destinations(&self) -> Vec<Destination> {
        vec![Destination::queue(EXPIRY).after(self.after).unhurried()]
    }
}

impl From<Queue> for QueueSpec {
    fn from(queue: Queue) -> QueueSpec {
        QueueSpec {
            visibility_timeout: queue.visibility_timeout,
            delay: queue.delay,
            retention: queue.retention,
            max_receive_count: queue.max_receive_count,
            ..QueueSpec::new(queue.name)
        }
    }
}
