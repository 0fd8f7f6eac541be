//! One heap of everything a queue has to do later: the end of a delay, of a visibility timeout, of
//! a retention period.
//!
//! A message has exactly one timer, for the next thing that will happen to it. Setting the timer
//! again leaves the old entry in the heap. Such a stale entry is recognised when it comes up,
//! because the message no longer waits for that time. When stale entries outnumber the live ones,
//! they are removed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::message::Sequence;
use crate::time::Time;

#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Time, Sequence)>>,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Time, message: Sequence) {
        self.heap.push(Reverse((at, message)));
    }

    /// Removes and returns the next entry that is due, stale or not.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<(Time, Sequence)> {
        let Reverse((at, _)) = *self.heap.peek()?;
        if at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// When to call [`Timers::pop_due`] again. May be early, never late.
    pub(crate) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Removes the stale entries once they are the majority: constant cost per call, amortised.
    pub(crate) fn compact(&mut self, live: usize, is_live: impl Fn(Time, Sequence) -> bool) {
        if self.heap.len() > 2 * live + 1024 {
            self.heap
                .retain(|Reverse((at, message))| is_live(*at, *message));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }
}
