//! How much a consumer does at once, and how long it takes for what.

use std::time::Duration;

use crate::Backoff;
use crate::transport::LONGEST_POLL;

/// What a stop still has to do after the last poll: give back what came with it.
const AFTER_POLL: Duration = Duration::from_secs(3);

/// Settings of a consumer; the defaults are meant to be left alone.
#[derive(Clone, PartialEq, Debug)]
pub struct Limits {
    /// Messages that are received and not settled, at most [64]: enough to keep a database busy,
    /// and few enough to be done in the time that a process has to stop.
    pub in_flight: usize,
    /// Polls that are open at once, at most [16]; never more than can fill `in_flight`. There is
    /// one while the queue is quiet, and one more after every full batch.
    pub pollers: usize,
    /// How long a poll waits for messages [20 s, SQS's longest], in whole seconds. One that is open
    /// when it is time to stop cannot be taken back from Amazon, which might answer it with
    /// messages that nobody would see before their visibility timeout is over. So it is waited
    /// for, and polls are cut to what leaves 3 s of `shutdown`.
    pub poll: Duration,
    /// The least time between two polls of a poller while messages come one by one [25 ms]. It
    /// makes batches of them, and so pays for itself in calls and transactions. A message that
    /// comes after a rest never waits for it.
    pub batch_wait: Duration,
    /// Messages that share a transaction at most [64].
    pub batch: usize,
    /// Transactions of this consumer that are open at once [1]: what arrives meanwhile shares the
    /// next, so under load batches grow and statements a message shrink.
    pub lanes: usize,
    /// Between attempts at a message [1 s, doubled up to 15 min, jittered].
    pub backoff: Backoff,
    /// How long heartbeats keep one message hidden, at most [15 min; SQS's limit is 12 h]. A
    /// handler that takes longer is cancelled, and the message comes back.
    pub longest_lease: Duration,
    /// How long acknowledgements are collected to be sent together [10 ms].
    pub linger: Duration,
    /// The time to end in when it is told to [30 s].
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            in_flight: 64,
            pollers: 16,
            poll: LONGEST_POLL,
            batch_wait: Duration::from_millis(25),
            batch: 64,
            lanes: 1,
            backoff: Backoff::MESSAGE,
            longest_lease: Duration::from_secs(15 * 60),
            linger: Duration::from_millis(10),
            shutdown: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// How long a poll may wait, if it has to be over before a stop is.
    pub(super) fn longest_poll(&self, abandon: bool) -> Duration {
        let poll = self.poll.min(LONGEST_POLL);
        match abandon {
            true => poll,
            false => poll
                .min(self.shutdown.saturating_sub(AFTER_POLL))
                .max(Duration::from_secs(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_is_over_before_a_stop_is() {
        let check = |stop, abandon, poll| {
            let limits = Limits {
                shutdown: Duration::from_secs(stop),
                ..Limits::default()
            };
            let poll = Duration::from_secs(poll);
            assert_eq!(limits.longest_poll(abandon), poll, "{stop} s to stop in");
        };
        check(30, false, 20);
        check(23, false, 20);
        check(10, false, 7);
        check(2, false, 1);
        check(2, true, 20);
    }
}
