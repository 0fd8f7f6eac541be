//! Options of consumers and relay.

use std::time::Duration;

use crate::Backoff;
use crate::quota::LONGEST_POLL;

/// The time that a shutdown needs after the last poll, to return the messages of that poll.
const AFTER_POLL: Duration = Duration::from_secs(3);

/// Options of the consumer of one queue. The defaults fit most queues.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerOptions {
    /// Maximum messages that are received and not yet acknowledged. Default: 64, which keeps a
    /// database busy and can be completed during a shutdown.
    pub in_flight: usize,
    /// Maximum open polls. Default: 16, and never more than can fill `in_flight`. One is open while
    /// the queue is quiet, and each full batch adds one.
    pub pollers: usize,
    /// How long a poll waits for messages, in whole seconds, 1 to 20. Default: 20 s, SQS's maximum.
    /// An open poll cannot be cancelled on Amazon's side: SQS might still answer it with messages,
    /// which would stay invisible until their visibility timeout ends. So a shutdown waits for open
    /// polls, and a poll lasts at most the shutdown timeout less 3 s.
    pub poll: Duration,
    /// Minimum time between two polls of a poller while polls return some messages but not a full
    /// batch. Default: 25 ms. It forms batches, which saves calls and transactions. A message that
    /// arrives after a quiet time does not wait for it.
    pub min_poll_interval: Duration,
    /// Maximum messages per transaction. Default: 64.
    pub batch: usize,
    /// Maximum concurrent transactions. Default: 1. Messages that arrive meanwhile share the next
    /// one, so under load batches grow and each message needs fewer statements.
    pub concurrency: usize,
    /// The pause between attempts at a message. Default: 1 s, doubled up to 15 min, with jitter.
    pub backoff: Backoff,
    /// Maximum time for which the heartbeat keeps a message invisible. Default: 15 min; SQS's
    /// maximum is 12 h. A handler that takes longer is cancelled, and the message is delivered
    /// again.
    pub max_visibility_extension: Duration,
    /// How long acknowledgements wait to share a call. Default: 10 ms.
    pub linger: Duration,
}

/// Options of the relay, which sends the messages of committed transactions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RelayOptions {
    /// How long messages of requests wait to share a call. Default: 0. A message that comes after a
    /// quiet time does not wait.
    pub linger: Duration,
    /// The same for [deferred](crate::Destination::deferred) messages. Default: 500 ms.
    pub deferred_linger: Duration,
    /// How long Postgres may take to answer a statement of the relay. Default: 15 s, longer than
    /// the 10 s for which Postgres lets a statement run. Then the connection is closed: a network
    /// that keeps it half open would hold up the relay until TCP gives up, after 15 min.
    pub answer_timeout: Duration,
}

/// How long a graceful shutdown may take, unless it is set: 30 s, as Kubernetes and ECS grant.
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

impl Default for ConsumerOptions {
    fn default() -> ConsumerOptions {
        ConsumerOptions {
            in_flight: 64,
            pollers: 16,
            poll: LONGEST_POLL,
            min_poll_interval: Duration::from_millis(25),
            batch: 64,
            concurrency: 1,
            backoff: Backoff::MESSAGE,
            max_visibility_extension: Duration::from_secs(15 * 60),
            linger: Duration::from_millis(10),
        }
    }
}

impl Default for RelayOptions {
    fn default() -> RelayOptions {
        RelayOptions {
            linger: Duration::ZERO,
            deferred_linger: Duration::from_millis(500),
            answer_timeout: Duration::from_secs(15),
        }
    }
}

impl ConsumerOptions {
    /// How long a poll may last if it has to end before a shutdown does.
    pub(crate) fn longest_poll(&self, shutdown_timeout: Duration, may_abandon: bool) -> Duration {
        let poll = self.poll.min(LONGEST_POLL);
        if may_abandon {
            return poll;
        }
        poll.min(shutdown_timeout.saturating_sub(AFTER_POLL))
            .max(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_ends_before_a_shutdown() {
        let check = |shutdown, may_abandon, poll| {
            let options = ConsumerOptions::default();
            let longest = options.longest_poll(Duration::from_secs(shutdown), may_abandon);
            assert_eq!(
                longest,
                Duration::from_secs(poll),
                "a shutdown of {shutdown} s"
            );
        };
        check(30, false, 20);
        check(23, false, 20);
        check(10, false, 7);
        check(2, false, 1);
        check(2, true, 20);
    }
}
