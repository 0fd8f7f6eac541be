//! Specifications of queues.

use std::borrow::Cow;
use std::time::Duration;

/// The specification of a queue. Its dead letters go to the queue `<name>-dlq`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueSpec {
    /// The name without the deployment's prefix. The name of a FIFO queue ends in `.fifo`, a rule
    /// of SQS.
    pub name: Cow<'static, str>,
    /// How long a received message stays invisible, 1 s to 12 h, rounded up to whole seconds.
    /// Default: 30 s. The consumer extends it by heartbeat, so it limits how long the messages of a
    /// crashed consumer wait, and not how long a handler may take.
    pub visibility_timeout: Duration,
    /// How long every message waits before it can be received, 0 to 900 s. Default: 0.
    pub delay: Duration,
    /// How long an unread message is kept, 60 s to 14 days. Default: 4 days, as in SQS.
    pub retention: Duration,
    /// Maximum attempts at a message, 1 to 1,000. Default: 5. After the last one fails, the runtime
    /// moves the message to the dead letters, with the reason. The default backoff waits for up to
    /// 1, 2, 4 and 8 s between five attempts, 7.5 s in all on average, so set more for a queue
    /// whose handler depends on a third party.
    ///
    /// SQS itself counts receives, see [`max_receive_count`](QueueSpec::max_receive_count).
    pub max_attempts: u32,
}

/// The two kinds of queue of SQS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueKind {
    /// Delivery at least once, approximately in order, without a limit on the rate.
    Standard,
    /// Delivery in order within a message group.
    Fifo,
}

/// How queues are prepared at the start. An existing queue is never changed: it is compared with
/// its specification, and every difference is an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Provision {
    /// Create missing queues, and check the others.
    #[default]
    Create,
    /// Check only, for deployments whose infrastructure code owns the queues.
    ///
    /// A service then needs these rights: `GetQueueUrl` and `GetQueueAttributes` on each queue that
    /// it reads or sends to; `SendMessage` on each that it sends to; `ReceiveMessage`,
    /// `DeleteMessage` and `ChangeMessageVisibility` on each that it reads; and `GetQueueUrl`,
    /// `GetQueueAttributes` and `SendMessage` on the dead-letter queues of those that it reads.
    Check,
}

/// The retention of dead letters: 14 days, SQS's maximum, so that people have time to look at them.
const MAX_RETENTION: Duration = Duration::from_secs(14 * 24 * 60 * 60);

impl QueueSpec {
    /// A queue with the default of each field.
    pub fn new(name: impl Into<Cow<'static, str>>) -> QueueSpec {
        QueueSpec {
            name: name.into(),
            visibility_timeout: Duration::from_secs(30),
            delay: Duration::ZERO,
            retention: Duration::from_secs(4 * 24 * 60 * 60),
            max_attempts: 5,
        }
    }

    /// The kind, by the end of its name.
    pub fn kind(&self) -> QueueKind {
        kind(&self.name)
    }

    /// The queue attribute `maxReceiveCount` of SQS: ten times `max_attempts`, and at most 1,000
    /// (an SQS quota). Not every receive is an attempt: a message that is returned because of a
    /// shutdown, or because a message before it in its group failed, was not attempted. So SQS
    /// itself moves only messages that kill their process every time.
    pub fn max_receive_count(&self) -> u32 {
        self.max_attempts.saturating_mul(10).min(1_000)
    }

    /// The name of its dead-letter queue, which has the same kind and visibility timeout, no delay,
    /// and a retention of 14 days.
    pub fn dead_letters(&self) -> String {
        dead_letters(&self.name)
    }

    /// The visibility timeout in whole seconds, at least 1: with 0 several consumers would get a
    /// message.
    pub(crate) fn whole_visibility_timeout(&self) -> Duration {
        let seconds = whole_seconds(self.visibility_timeout).max(1);
        Duration::from_secs(seconds)
    }

    /// The specification of its dead-letter queue.
    pub(crate) fn dead_letter_spec(&self) -> QueueSpec {
        QueueSpec {
            delay: Duration::ZERO,
            retention: MAX_RETENTION,
            ..QueueSpec {
                name: self.dead_letters().into(),
                ..self.clone()
            }
        }
    }
}

impl From<&'static str> for QueueSpec {
    fn from(name: &'static str) -> QueueSpec {
        QueueSpec::new(name)
    }
}

/// A time in whole seconds, the unit of SQS, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1_000) as u64
}

pub(crate) fn kind(name: &str) -> QueueKind {
    match name.ends_with(".fifo") {
        true => QueueKind::Fifo,
        false => QueueKind::Standard,
    }
}

/// The name of the dead-letter queue of `name`.
pub(crate) fn dead_letters(name: &str) -> String {
    match name.strip_suffix(".fifo") {
        Some(stem) => format!("{stem}-dlq.fifo"),
        None => format!("{name}-dlq"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_letter_queue_has_the_name_of_its_queue_and_dlq() {
        let check = |name: &'static str, dead: &str, kind| {
            let spec = QueueSpec::new(name);
            assert_eq!((spec.dead_letters().as_str(), spec.kind()), (dead, kind));
        };
        check("parcels", "parcels-dlq", QueueKind::Standard);
        check("parcels.fifo", "parcels-dlq.fifo", QueueKind::Fifo);
    }

    #[test]
    fn a_visibility_timeout_is_rounded_up_and_never_0() {
        let check = |millis, seconds| {
            let spec = QueueSpec {
                visibility_timeout: Duration::from_millis(millis),
                ..QueueSpec::new("parcels")
            };
            let whole = spec.whole_visibility_timeout();
            assert_eq!(whole, Duration::from_secs(seconds), "{millis} ms");
        };
        check(0, 1);
        check(300, 1);
        check(1_000, 1);
        check(1_001, 2);
    }
}
