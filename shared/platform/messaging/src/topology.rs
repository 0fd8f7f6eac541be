//! Queues as they are meant to be.

use std::borrow::Cow;
use std::time::Duration;

/// A queue and its settings. Its dead letters go to the queue `<name>-dlq`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueSpec {
    /// The name without the deployment's prefix. A FIFO queue's ends in `.fifo`, as SQS wants it.
    pub name: Cow<'static, str>,
    /// How long a received message stays invisible, 1 s to 12 h [30 s], rounded up to whole
    /// seconds. The consumer extends it by heartbeat, so it bounds how long a crashed consumer's
    /// messages wait, and not how long a handler may take.
    pub visibility_timeout: Duration,
    /// How long every message waits before it can be received, 0 to 900 s [0].
    pub delay: Duration,
    /// How long an unread message is kept, 60 s to 14 days [4 days, SQS's own default].
    pub retention: Duration,
    /// How many attempts a message gets, 1 to 1,000 [5]. After the last one fails, the runtime
    /// moves it to the dead letters, with the reason. The default backoff waits for up to 1, 2, 4
    /// and 8 s between five attempts, 7.5 s in all on average, so give more to a queue whose
    /// handler depends on a third party.
    ///
    /// SQS itself counts receives, see [`max_receive_count`](QueueSpec::max_receive_count).
    pub max_attempts: u32,
}

/// SQS has two kinds of queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueKind {
    /// At least once, in about the order sent, without limit to the rate.
    Standard,
    /// In order within a message group.
    Fifo,
}

/// What to do about queues at the start. An existing queue is never changed: it is compared, and
/// every difference is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Provision {
    /// Create what is missing, check the rest.
    #[default]
    Create,
    /// Check only, for deployments whose infrastructure code owns the queues.
    ///
    /// Rights that a service then needs: `GetQueueUrl` and `GetQueueAttributes` on each queue that
    /// it reads or sends to; `SendMessage` on each that it sends to; `ReceiveMessage`,
    /// `DeleteMessage` and `ChangeMessageVisibility` on each that it reads; and of the dead letters
    /// of those that it reads, and no others, `GetQueueUrl`, `GetQueueAttributes` and
    /// `SendMessage`.
    Check,
}

/// Dead letters are kept for as long as SQS can, so that people find the time to look at them.
const LONGEST_RETENTION: Duration = Duration::from_secs(14 * 24 * 60 * 60);

impl QueueSpec {
    /// A queue with the defaults named at each field.
    pub fn new(name: impl Into<Cow<'static, str>>) -> QueueSpec {
        QueueSpec {
            name: name.into(),
            visibility_timeout: Duration::from_secs(30),
            delay: Duration::ZERO,
            retention: Duration::from_secs(4 * 24 * 60 * 60),
            max_attempts: 5,
        }
    }

    /// What its name says it is.
    pub fn kind(&self) -> QueueKind {
        kind(&self.name)
    }

    /// The queue attribute `maxReceiveCount` of SQS: ten times `max_attempts`, and at most 1,000
    /// (an SQS quota). Not every receive is an attempt: a message that is returned because the
    /// process stops, or because the head of its group failed, was never tried. So SQS moves only
    /// messages that kill their process every time.
    pub fn max_receive_count(&self) -> u32 {
        self.max_attempts.saturating_mul(10).min(1_000)
    }

    /// The name of the queue that its dead letters go to. That has the same kind and visibility
    /// timeout, no delay, and keeps them for 14 days.
    pub fn dead_letters(&self) -> String {
        dead_letters(&self.name)
    }

    /// The visibility timeout as SQS counts it. Without one a message would be everybody's.
    pub(crate) fn whole_visibility_timeout(&self) -> Duration {
        let seconds = whole_seconds(self.visibility_timeout).max(1);
        Duration::from_secs(seconds)
    }

    /// The queue that its dead letters go to.
    pub(crate) fn dead_letter_spec(&self) -> QueueSpec {
        QueueSpec {
            delay: Duration::ZERO,
            retention: LONGEST_RETENTION,
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

/// SQS counts in whole seconds. What is longer is never cut short.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1_000) as u64
}

pub(crate) fn kind(name: &str) -> QueueKind {
    match name.ends_with(".fifo") {
        true => QueueKind::Fifo,
        false => QueueKind::Standard,
    }
}

/// The name of the queue that `name`'s dead letters go to.
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
    fn dead_letters_stand_beside_their_queue() {
        let check = |name: &'static str, dead: &str, kind| {
            let spec = QueueSpec::new(name);
            assert_eq!((spec.dead_letters().as_str(), spec.kind()), (dead, kind));
        };
        check("parcels", "parcels-dlq", QueueKind::Standard);
        check("parcels.fifo", "parcels-dlq.fifo", QueueKind::Fifo);
    }

    #[test]
    fn a_visibility_timeout_is_rounded_up_and_never_nothing() {
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
