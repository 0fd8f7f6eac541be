//! How the messages of a consumer ended, counted.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many messages a consumer or a runtime handled from its start to its shutdown, by their end.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ShutdownSummary {
    /// Handled, committed and deleted.
    pub handled: u64,
    /// Failed, and returned to the queue for another attempt.
    pub retried: u64,
    /// Failed for good, and moved to the dead letters.
    pub rejected: u64,
    /// Returned to the queue unprocessed, because of a shutdown or a failed head of their group.
    pub released: u64,
    /// Not acknowledged: they come back when their visibility timeout ends.
    pub lost: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) handled: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) released: AtomicU64,
    pub(super) lost: AtomicU64,
}

impl Counters {
    /// The counts; `unacknowledged` messages are still in flight and are lost with the consumer.
    pub(super) fn summary(&self, unacknowledged: usize) -> ShutdownSummary {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ShutdownSummary {
            handled: read(&self.handled),
            retried: read(&self.retried),
            rejected: read(&self.rejected),
            released: read(&self.released),
            lost: read(&self.lost) + unacknowledged as u64,
        }
    }
}

impl std::ops::AddAssign for ShutdownSummary {
    fn add_assign(&mut self, other: ShutdownSummary) {
        self.handled += other.handled;
        self.retried += other.retried;
        self.rejected += other.rejected;
        self.released += other.released;
        self.lost += other.lost;
    }
}

impl fmt::Display for ShutdownSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ShutdownSummary {
            handled,
            retried,
            rejected,
            released,
            lost,
        } = self;
        write!(
            f,
            "{handled} handled, {retried} retried, {rejected} rejected, {released} released, \
             {lost} lost"
        )
    }
}
