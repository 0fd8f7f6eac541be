//! How much the consumer of a queue does at once, and how long the runtime takes for what.

use std::time::Duration;

use crate::Backoff;
use crate::quota::LONGEST_POLL;

/// What a stop still has to do after the last poll: return what came with it.
const AFTER_POLL: Duration = Duration::from_secs(3);

/// Options of the consumer of one queue. The defaults fit most queues.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerOptions {
    /// How many messages are received and not acknowledged at most. Default: 64, which keeps a
    /// database busy and can be completed while a process stops.
    pub in_flight: usize,
    /// How many polls are open at once at most. Default: 16, and never more than can fill
    /// `in_flight`. There is one while the queue is quiet, and one more after every full batch.
    pub pollers: usize,
    /// How long a poll waits for messages, in whole seconds. Default: 20 s, SQS's longest. An open
    /// poll cannot be cancelled on Amazon's side, which might answer it with messages that stay
    /// invisible until their visibility timeout ends. So a stop waits for it, and polls are cut to
    /// what leaves 3 s of the shutdown timeout.
    pub poll: Duration,
    /// The least time between two polls of a poller while messages come one by one. Default:
    /// 25 ms. It makes batches of them, which saves calls and transactions. A message that comes
    /// after a quiet time never waits for it.
    pub min_poll_interval: Duration,
    /// How many messages share a transaction at most. Default: 64.
    pub batch: usize,
    /// How many transactions are open at once. Default: 1. What arrives meanwhile shares the next
    /// one, so under load batches grow and the statements per message become fewer.
    pub concurrency: usize,
    /// The time between attempts at a message. Default: 1 s, doubled up to 15 min, with jitter.
    pub backoff: Backoff,
    /// How long the heartbeat keeps one message invisible at most. Default: 15 min; SQS's limit is
    /// 12 h. A handler that takes longer is cancelled, and the message comes back.
    pub max_visibility_extension: Duration,
    /// How long acknowledgements are collected to share a call. Default: 10 ms.
    pub linger: Duration,
}

/// Options of the relay, which sends what committed transactions pushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RelayOptions {
    /// How long messages that are pushed one by one, as by requests, are collected to share a
    /// call. Default: 0, at once. A message that comes after a quiet time never waits for it.
    pub linger: Duration,
    /// The same for [deferred](crate::Destination::deferred) messages. Default: 500 ms.
    pub deferred_linger: Duration,
    /// How long Postgres may take to answer a statement of the relay. Default: 15 s, longer than the
    /// 10 s for which Postgres lets a statement run. Then the connection is closed: a network that
    /// keeps it half open would hold up the relay until TCP gives up, after a quarter of an hour.
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
    /// How long a poll may wait, if it must end before a shutdown does.
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
    fn a_poll_is_over_before_a_stop_is() {
        let check = |stop, may_abandon, poll| {
            let options = ConsumerOptions::default();
            let longest = options.longest_poll(Duration::from_secs(stop), may_abandon);
            assert_eq!(longest, Duration::from_secs(poll), "{stop} s to stop in");
        };
        check(30, false, 20);
        check(23, false, 20);
        check(10, false, 7);
        check(2, false, 1);
        check(2, true, 20);
    }
}
