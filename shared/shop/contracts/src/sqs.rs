//! How events are sent over SQS.

use messaging::{ConsumerOptions, Destination, Message, QueueSpec, RelayOptions};

use crate::topology::{self, DEFERRED_LINGER, EXPIRY, LINGER};
use crate::{Event, ExpireOrder, Queue};

impl Message for Event {
    const KIND: &'static str = "event";

    fn destinations(&self) -> Vec<Destination> {
        let Some(sent_to) = topology::subscription(self.fact) else {
            return vec![];
        };
        let queue = |name: &&'static str| Destination::queue(*name);
        let deferred = sent_to.deferred.iter().map(queue);
        let immediate = sent_to.immediate.iter().map(queue);
        immediate
            .chain(deferred.map(Destination::deferred))
            .collect()
    }
}

impl Message for ExpireOrder {
    const KIND: &'static str = "expire-order";

    fn destinations(&self) -> Vec<Destination> {
        vec![Destination::queue(EXPIRY).after(self.after).deferred()]
    }
}

impl From<Queue> for QueueSpec {
    fn from(queue: Queue) -> QueueSpec {
        QueueSpec {
            visibility_timeout: queue.visibility_timeout,
            delay: queue.delay,
            retention: queue.retention,
            max_attempts: queue.max_attempts,
            ..QueueSpec::new(queue.name)
        }
    }
}

/// The options for reading a queue. Acknowledgements share calls. A deferred queue is polled less
/// often, because its messages have waited anyway.
pub fn consumer_options(queue: &Queue) -> ConsumerOptions {
    let defaults = ConsumerOptions::default();
    ConsumerOptions {
        linger: DEFERRED_LINGER,
        min_poll_interval: if queue.deferred {
            DEFERRED_LINGER
        } else {
            defaults.min_poll_interval
        },
        ..defaults
    }
}

/// The options for sending messages (ADR 11).
pub fn relay_options() -> RelayOptions {
    RelayOptions {
        linger: LINGER,
        deferred_linger: DEFERRED_LINGER,
        ..RelayOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use messaging::Backoff;

    use crate::topology::ATTEMPTS;

    #[test]
    fn the_attempts_at_a_message_outlast_an_hour_on_average() {
        let span = |attempts| {
            let waits = (1..attempts).map(|failures| Backoff::MESSAGE.ceiling(failures));
            waits.sum::<Duration>() / 2
        };
        const HOUR: Duration = Duration::from_secs(60 * 60);
        assert!(span(ATTEMPTS) >= HOUR && span(ATTEMPTS - 1) < HOUR);
    }
}
