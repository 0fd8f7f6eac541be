//! What has become of the messages.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a consumer did, from its start to its end.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Drained {
    /// Handled, committed and deleted.
    pub handled: u64,
    /// Failed, and put back to be tried again.
    pub retried: u64,
    /// Failed for good, and moved to the dead letters.
    pub rejected: u64,
    /// Given back without having been started, or when the time to stop was over.
    pub released: u64,
    /// Not settled: they come back when their visibility timeout is over.
    pub lost: u64,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) handled: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) released: AtomicU64,
    pub(super) lost: AtomicU64,
}

impl Tally {
    /// What was counted; `unsettled` messages are still in flight and lost with the consumer.
    pub(super) fn drained(&self, unsettled: usize) -> Drained {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Drained {
            handled: read(&self.handled),
            retried: read(&self.retried),
            rejected: read(&self.rejected),
            released: read(&self.released),
            lost: read(&self.lost) + unsettled as u64,
        }
    }
}

impl std::ops::AddAssign for Drained {
    fn add_assign(&mut self, other: Drained) {
        self.handled += other.handled;
        self.retried += other.retried;
        self.rejected += other.rejected;
        self.released += other.released;
        self.lost += other.lost;
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Drained {
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
