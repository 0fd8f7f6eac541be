//! Traces a few of the orders of a load, since each has some forty spans.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Chooses the orders that are traced, and names their traces.
#[derive(Debug)]
pub struct Sampling {
    /// The trace of operation 0. That of operation n has the id that is greater by n.
    first: u128,
    /// The least time between two traced orders.
    every: Duration,
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    last: Option<Instant>,
    /// Traced operations that [`Sampling::take`] has not returned yet.
    traced: BTreeSet<usize>,
}

impl Sampling {
    /// Traces an order when at least `every` has passed since the last one.
    pub fn new(every: Duration) -> Sampling {
        Sampling {
            first: rand::random_range(1..=u128::MAX / 2),
            every,
            state: Mutex::default(),
        }
    }

    /// The id of an operation's trace, if it is traced. Each is returned once.
    pub fn take(&self, number: usize) -> Option<u128> {
        let is_traced = self.lock().traced.remove(&number);
        is_traced.then(|| self.trace(number))
    }

    /// The `traceparent` header of an operation, which says whether it is traced.
    /// Source: W3C Trace Context, level 1, section 3.2.
    pub(super) fn trace_parent(&self, number: usize) -> String {
        let mut state = self.lock();
        let is_traced = state.last.is_none_or(|last| last.elapsed() >= self.every);
        if is_traced {
            state.last = Some(Instant::now());
            state.traced.insert(number);
        }
        let (trace, span) = (self.trace(number), rand::random_range(1..=u64::MAX));
        format!("00-{trace:032x}-{span:016x}-0{}", u8::from(is_traced))
    }

    fn trace(&self, number: usize) -> u128 {
        self.first + number as u128
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
