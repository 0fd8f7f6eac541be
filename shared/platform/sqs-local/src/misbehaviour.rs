//! What Amazon says may happen, and a laptop never shows: slow calls, messages delivered twice or
//! out of order, polls that miss, throttling, failures, and an outage.
//!
//! Off, it costs one load of a flag a call. On, everything is drawn from one seeded generator.

use std::collections::{BTreeMap, HashMap};
use std::f64::consts::TAU;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::error::{Error, Result};

/// How to misbehave: server-wide, or on one queue, where it stands in place of the server's.
/// Probabilities are from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Misbehaviour {
    /// How long each call takes on top of its own time. Half of it passes before the call and
    /// half after, as on the way there and back.
    pub latency: Option<Latency>,
    /// A message of a standard queue is delivered again after its delete.
    pub duplicates: f64,
    /// A receive from a standard queue passes over up to ten messages at the head of the line.
    pub reorder: f64,
    /// A short poll finds nothing although messages wait.
    pub short_poll_miss: f64,
    /// A call fails with status 500 or 503, half of them after it was carried out.
    pub errors: f64,
    /// Calls a second; those beyond are refused as `RequestThrottled`.
    pub throttle: Option<f64>,
    /// An entry of a batch call is refused as `RequestThrottled`, and not carried out.
    pub throttle_entries: f64,
    /// Whether such an entry says that it was the sender's fault: `SenderFault` of Amazon's answers
    /// does not tell what passes from what does not.
    pub blame_sender: bool,
    /// Calls wait until this is false again.
    pub paused: bool,
}

/// A log-normal distribution given by two of its quantiles, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Misbehaviour {
    /// # Errors
    /// Says which value is out of its range.
    pub fn check(&self) -> std::result::Result<(), String> {
        let odds = [
            ("duplicates", self.duplicates),
            ("reorder", self.reorder),
            ("short_poll_miss", self.short_poll_miss),
            ("errors", self.errors),
            ("throttle_entries", self.throttle_entries),
        ];
        if let Some((name, value)) = odds.iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return Err(format!("{name} must be from 0 to 1, not {value}"));
        }
        if self
            .throttle
            .is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
        {
            return Err("throttle must be more than 0 calls a second".into());
        }
        let is_sound = |l: &Latency| 0.0 < l.p50_ms && l.p50_ms <= l.p99_ms && l.p99_ms <= 60_000.0;
        if !self.latency.as_ref().is_none_or(is_sound) {
            return Err("latency must have 0 < p50_ms <= p99_ms <= 60000".into());
        }
        Ok(())
    }
}

impl Latency {
    /// The distribution's value for a standard normal `z`.
    fn at(self, z: f64) -> Duration {
        /// The 99th percentile of the standard normal distribution.
        const Z99: f64 = 2.326_347_874;
        let sigma = (self.p99_ms / self.p50_ms).ln() / Z99;
        Duration::from_secs_f64(self.p50_ms * (sigma * z).exp().min(1e6) / 1000.0)
    }
}

/// The rules in force, and the dice.
pub(crate) struct Chaos {
    is_on: AtomicBool,
    rules: RwLock<Rules>,
    rules_changed: Notify,
    dice: Mutex<StdRng>,
    buckets: Mutex<HashMap<Option<String>, (Instant, f64)>>,
}

#[derive(Default)]
struct Rules {
    server: Misbehaviour,
    queues: BTreeMap<String, Misbehaviour>,
}

impl Chaos {
    pub(crate) fn new(seed: u64, server: Misbehaviour) -> Chaos {
        Chaos {
            is_on: AtomicBool::new(server != Misbehaviour::default()),
            rules: RwLock::new(Rules {
                server,
                ..Rules::default()
            }),
            rules_changed: Notify::new(),
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
            buckets: Mutex::default(),
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }

    /// Sets the rule of one queue, or of the server; `None` takes a queue's rule away.
    pub(crate) fn set(&self, queue: Option<&str>, rule: Option<Misbehaviour>) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        match (queue, rule) {
            (None, rule) => rules.server = rule.unwrap_or_default(),
            (Some(queue), None) => drop(rules.queues.remove(queue)),
            (Some(queue), Some(rule)) => drop(rules.queues.insert(queue.into(), rule)),
        }
        let is_on = rules.server != Misbehaviour::default() || !rules.queues.is_empty();
        self.is_on.store(is_on, Relaxed);
        self.rules_changed.notify_waiters();
    }

    pub(crate) fn clear(&self) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Rules::default();
        self.set(None, None);
    }

    /// What holds for a queue, or for calls that concern none.
    pub(crate) fn rule(&self, queue: Option<&str>) -> Misbehaviour {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        queue
            .and_then(|queue| rules.queues.get(queue))
            .unwrap_or(&rules.server)
            .clone()
    }

    /// Whether something happens to this queue now, of which `odds` says how likely it is.
    pub(crate) fn strikes(&self, queue: &str, odds: impl Fn(&Misbehaviour) -> f64) -> bool {
        self.is_on() && self.roll() < odds(&self.rule(Some(queue)))
    }

    /// How many messages a receive passes over.
    pub(crate) fn skip(&self, queue: &str) -> usize {
        match self.strikes(queue, |rule| rule.reorder) {
            true => 1 + (10.0 * self.roll()) as usize,
            false => 0,
        }
    }

    /// Before an entry of a batch call on this queue: refuses it, if it is one of those.
    pub(crate) fn before_entry(&self, queue: &str) -> Result<()> {
        if !self.is_on() {
            return Ok(());
        }
        let rule = self.rule(Some(queue));
        match rule.throttle_entries > 0.0 && self.roll() < rule.throttle_entries {
            true => Err(Error::EntryThrottled {
                blames_sender: rule.blame_sender,
            }),
            false => Ok(()),
        }
    }

    /// Before a call: waits out a pause, refuses what is too much, and draws what is to come.
    pub(crate) async fn before(&self, queue: Option<&str>) -> Result<Fate> {
        let rule = loop {
            let changed = self.rules_changed.notified();
            let rule = self.rule(queue);
            if !rule.paused {
                break rule;
            }
            changed.await;
        };
        if rule.throttle.is_some_and(|rate| !self.admits(queue, rate)) {
            return Err(Error::RequestThrottled);
        }
        let delay = rule
            .latency
            .map(|latency| latency.at(self.normal()) / 2)
            .unwrap_or_default();
        pass(delay).await;
        if self.roll() >= rule.errors {
            return Ok(Fate {
                delay,
                failure: None,
            });
        }
        let failure = if self.roll() < 0.5 {
            Error::InternalError
        } else {
            Error::ServiceUnavailable
        };
        if self.roll() < 0.5 {
            return Err(failure);
        }
        Ok(Fate {
            delay,
            failure: Some(failure),
        })
    }

    /// A bucket that holds a tenth of a second's calls, at least one, and fills at `rate`.
    fn admits(&self, queue: Option<&str>, rate: f64) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, full) = (Instant::now(), (rate / 10.0).max(1.0));
        if buckets.len() >= MOST_BUCKETS {
            // They are full again, as if they had never been, or hardly.
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

    /// From 0 to 1, never 1.
    fn roll(&self) -> f64 {
        self.dice
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .random()
    }

    /// Standard normal, by Box and Muller.
    fn normal(&self) -> f64 {
        (-2.0 * (1.0 - self.roll()).ln()).sqrt() * (TAU * self.roll()).cos()
    }
}

/// Buckets that are kept until those of queues that rest are dropped. Requests name queues as they
/// like, also such as there are not.
const MOST_BUCKETS: usize = 1_000;

/// What was drawn for a call before it ran.
pub(crate) struct Fate {
    delay: Duration,
    failure: Option<Error>,
}

impl Fate {
    /// After the call: the time before its answer leaves.
    pub(crate) async fn pass(&self) {
        pass(self.delay).await;
    }

    /// The answer may be lost on its way.
    pub(crate) fn of(self, answer: Result<Vec<u8>>) -> Result<Vec<u8>> {
        self.failure.map_or(answer, Err)
    }
}

/// Sleeps, if there is any time to pass: even a sleep of none costs a turn of the timer wheel.
async fn pass(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay).await;
    }
}
