//! Counters of messages by outcome.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry;

/// The number of messages by outcome, from the start of a consumer or runtime to its shutdown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ShutdownSummary {
    /// Handled, committed and deleted.
    pub handled: u64,
    /// Failed, and returned to the queue for another attempt.
    pub retried: u64,
    /// Failed permanently, and moved to the dead letters.
    pub rejected: u64,
    /// Returned to the queue without an attempt, because of a shutdown or a failed message before
    /// them in their group.
    pub returned: u64,
    /// Not acknowledged. They are delivered again when their visibility timeout ends.
    pub lost: u64,
}

/// Counts the messages of one queue, for the summary and as metrics.
pub(super) struct Counters {
    queue: Arc<str>,
    handled: AtomicU64,
    retried: AtomicU64,
    rejected: AtomicU64,
    returned: AtomicU64,
    lost: AtomicU64,
}

impl Counters {
    pub(super) fn new(queue: Arc<str>) -> Counters {
        Counters {
            queue,
            handled: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            returned: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    pub(super) fn handled(&self, count: usize) {
        self.add(&self.handled, "handled", count);
    }

    pub(super) fn retried(&self, count: usize) {
        self.add(&self.retried, "retried", count);
    }

    pub(super) fn rejected(&self, count: usize) {
        self.add(&self.rejected, "rejected", count);
    }

    pub(super) fn returned(&self, count: usize) {
        self.add(&self.returned, "returned", count);
    }

    pub(super) fn lost(&self, count: usize) {
        self.add(&self.lost, "lost", count);
    }

    /// The summary. Messages that are still in flight count as lost.
    pub(super) fn summary(&self, in_flight: usize) -> ShutdownSummary {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ShutdownSummary {
            handled: read(&self.handled),
            retried: read(&self.retried),
            rejected: read(&self.rejected),
            returned: read(&self.returned),
            lost: read(&self.lost) + in_flight as u64,
        }
    }

    fn add(&self, counter: &AtomicU64, outcome: &'static str, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
        telemetry::ended(&self.queue, outcome, count);
    }
}

impl std::ops::AddAssign for ShutdownSummary {
    fn add_assign(&mut self, other: ShutdownSummary) {
        self.handled += other.handled;
        self.retried += other.retried;
        self.rejected += other.rejected;
        self.returned += other.returned;
        self.lost += other.lost;
    }
}

impl fmt::Display for ShutdownSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ShutdownSummary {
            handled,
            retried,
            rejected,
            returned,
            lost,
        } = self;
        write!(
            f,
            "{handled} handled, {retried} retried, {rejected} rejected, {returned} returned, \
             {lost} lost"
        )
    }
}
