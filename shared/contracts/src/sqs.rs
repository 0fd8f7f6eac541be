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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use messaging::Backoff;

    use super::*;
    use crate::topology::{ATTEMPTS, Settings, queues};

    #[test]
    fn the_attempts_at_a_message_outlast_an_hour_on_average() {
        let span = |attempts| {
            let waits = (1..attempts).map(|failures| Backoff::MESSAGE.ceiling(failures));
            waits.sum::<Duration>() / 2
        };
        const HOUR: Duration = Duration::from_secs(60 * 60);
        assert!(span(ATTEMPTS) >= HOUR && span(ATTEMPTS - 1) < HOUR);
    }

    #[test]
    fn the_runtime_and_the_containers_agree_on_when_a_queue_moves_a_message() {
        for queue in queues(Settings::default()) {
            let moved_after = queue.moved_after();
            assert_eq!(QueueSpec::from(queue).moved_after(), moved_after);
        }
    }
}
