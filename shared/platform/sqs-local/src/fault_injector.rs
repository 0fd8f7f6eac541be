//! Draws faults, all of them from one seeded generator. Without faults it costs one load of a flag
//! per call.

use std::collections::{BTreeMap, HashMap};
use std::f64::consts::TAU;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqs_queue::faults::CallFault;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::error::{Error, Result};
use crate::faults::Faults;

/// The faults in force, and the random generator.
pub(crate) struct FaultInjector {
    is_on: AtomicBool,
    rules: RwLock<Rules>,
    rules_changed: Notify,
    random: Mutex<StdRng>,
    buckets: Mutex<HashMap<Option<String>, (Instant, f64)>>,
}

#[derive(Default)]
struct Rules {
    server: Faults,
    queues: BTreeMap<String, Faults>,
}

impl FaultInjector {
    pub(crate) fn new(seed: u64, server: Faults) -> FaultInjector {
        FaultInjector {
            is_on: AtomicBool::new(server != Faults::default()),
            rules: RwLock::new(Rules {
                server,
                ..Rules::default()
            }),
            rules_changed: Notify::new(),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            buckets: Mutex::default(),
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }

    /// Sets the faults of one queue, or of the server; `None` removes a queue's own.
    pub(crate) fn set(&self, queue: Option<&str>, faults: Option<Faults>) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        match (queue, faults) {
            (None, faults) => rules.server = faults.unwrap_or_default(),
            (Some(queue), None) => drop(rules.queues.remove(queue)),
            (Some(queue), Some(faults)) => drop(rules.queues.insert(queue.into(), faults)),
        }
        let is_on = rules.server != Faults::default() || !rules.queues.is_empty();
        self.is_on.store(is_on, Relaxed);
        self.rules_changed.notify_waiters();
    }

    pub(crate) fn clear(&self) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Rules::default();
        self.set(None, None);
    }

    /// The faults of a queue, or of calls that name no queue.
    pub(crate) fn faults(&self, queue: Option<&str>) -> Faults {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        queue
            .and_then(|queue| rules.queues.get(queue))
            .unwrap_or(&rules.server)
            .clone()
    }

    /// Draws whether a fault of the given probability happens on this queue now.
    pub(crate) fn occurs(&self, queue: &str, probability: impl Fn(&Faults) -> f64) -> bool {
        self.is_on() && self.draw() < probability(&self.faults(Some(queue)))
    }

    /// Draws how many messages a receive passes over.
    pub(crate) fn skip(&self, queue: &str) -> usize {
        match self.occurs(queue, |faults| faults.reorder) {
            true => 1 + (10.0 * self.draw()) as usize,
            false => 0,
        }
    }

    /// Makes the call of one entry of a batch, unless the entry is throttled.
    pub(crate) fn on_entry<T>(&self, queue: &str, call: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.is_on() {
            return call();
        }
        let faults = self.faults(Some(queue));
        let is_throttled = faults.throttle_entries > 0.0 && self.draw() < faults.throttle_entries;
        let fault = match is_throttled {
            true => CallFault::Refused,
            false => CallFault::None,
        };
        fault.inject(call, |_| Error::EntryThrottled {
            blames_sender: faults.blame_sender,
        })
    }

    /// Runs before a call: waits for the end of a pause and for half of the latency, refuses calls
    /// beyond the limit, and draws what happens to the call.
    pub(crate) async fn before(&self, queue: Option<&str>) -> Result<DrawnFault> {
        let faults = loop {
            let changed = self.rules_changed.notified();
            let faults = self.faults(queue);
            if !faults.paused {
                break faults;
            }
            changed.await;
        };
        if faults
            .throttle
            .is_some_and(|rate| !self.admits(queue, rate))
        {
            return Err(Error::RequestThrottled);
        }
        let delay = faults
            .latency
            .map(|latency| latency.at(self.draw_normal()) / 2)
            .unwrap_or_default();
        pause(delay).await;
        let (fault, error) = self.draw_failure(faults.errors);
        match fault.is_carried_out() {
            true => Ok(DrawnFault {
                delay,
                fault,
                error,
            }),
            false => Err(error),
        }
    }

    /// Half of the failing calls fail after they were carried out.
    fn draw_failure(&self, probability: f64) -> (CallFault, Error) {
        if self.draw() >= probability {
            return (CallFault::None, Error::InternalError);
        }
        let error = if self.draw() < 0.5 {
            Error::InternalError
        } else {
            Error::ServiceUnavailable
        };
        match self.draw() < 0.5 {
            true => (CallFault::Refused, error),
            false => (CallFault::Ambiguous, error),
        }
    }

    /// A bucket that holds the calls of a tenth of a second, at least one, and fills at `rate`.
    fn admits(&self, queue: Option<&str>, rate: f64) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, full) = (Instant::now(), (rate / 10.0).max(1.0));
        if buckets.len() >= MOST_BUCKETS {
            // Those that are dropped are full again, or nearly: a new one makes no difference.
            buckets.retain(|_, (filled, _)| now - *filled < Duration::from_secs(1));
        }
        let bucket = buckets
            .entry(queue.map(String::from))
            .or_insert((now, full));
        let level = (bucket.1 + rate * (now - bucket.0).as_secs_f64()).min(full);
        let admits = level >= 1.0;
        *bucket = (now, if admits { level - 1.0 } else { level });
        admits
    }

    /// Uniform in [0, 1).
    fn draw(&self) -> f64 {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .random()
    }

    /// Standard normal, by Box and Muller.
    fn draw_normal(&self) -> f64 {
        (-2.0 * (1.0 - self.draw()).ln()).sqrt() * (TAU * self.draw()).cos()
    }
}

/// From this many buckets on, those of idle queues are dropped. Requests may name any queue, also
/// queues that do not exist.
const MOST_BUCKETS: usize = 1_000;

/// What was drawn for a call that is carried out.
pub(crate) struct DrawnFault {
    delay: Duration,
    fault: CallFault,
    error: Error,
}

impl DrawnFault {
    /// Runs after the call: waits for the second half of the latency.
    pub(crate) async fn delay_answer(&self) {
        pause(self.delay).await;
    }

    /// The answer that the client gets: the call's own, or the error of a lost answer.
    pub(crate) fn replace(self, answer: Result<Vec<u8>>) -> Result<Vec<u8>> {
        self.fault.answer((), |_| self.error).and(answer)
    }
}

/// Sleeps unless the time is zero: even then a sleep costs a turn of the timer wheel.
async fn pause(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay).await;
    }
}
