//! One heap holds everything a queue has to do later: the end of a delay, of a visibility
//! timeout, of a retention period.
//!
//! A message has exactly one timer, the next thing that will happen to it. Setting it again
//! leaves the old entry behind; such entries are recognised when they come up, because the
//! message no longer waits for that time, and are swept out when they outnumber the live ones.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Sequence;
use crate::time::Time;

#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Time, Sequence)>>,
}

impl Timers {
    pub(super) fn set(&mut self, at: Time, message: Sequence) {
        self.heap.push(Reverse((at, message)));
    }

    /// The next entry that is due, whether or not it still means anything.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<(Time, Sequence)> {
        let Reverse((at, _)) = *self.heap.peek()?;
        if at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// When to look again. May be early, never late.
    pub(super) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Drops the dead entries once they are the majority: constant cost a call, on average.
    pub(super) fn sweep(&mut self, live: usize, is_live: impl Fn(Time, Sequence) -> bool) {
        if self.heap.len() > 2 * live + 1024 {
            self.heap
                .retain(|Reverse((at, message))| is_live(*at, *message));
        }
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
    }
}
