//! The faults to inject. Amazon documents all of them, and a local server never shows them by
//! itself: slow calls, messages delivered twice or out of order, polls that find nothing,
//! throttling, failures, and an outage.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The faults of the server, or of one queue, which then replace the server's. Probabilities are
/// from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Time added to each call: half of it before the call and half after, as for the request and
    /// the answer on a network.
    pub latency: Option<Latency>,
    /// A message of a standard queue is delivered again after its delete.
    pub duplicates: f64,
    /// A receive from a standard queue delivers up to ten messages at the head of the line last.
    pub reorder: f64,
    /// A short poll finds nothing, although messages wait.
    pub short_poll_miss: f64,
    /// A call fails with status 500 or 503, half of them after it was carried out.
    pub errors: f64,
    /// Calls per second; further calls are refused as `RequestThrottled`.
    pub throttle: Option<f64>,
    /// An entry of a batch call is refused as `RequestThrottled`, and not carried out.
    pub throttle_entries: f64,
    /// Whether a throttled entry has `SenderFault` set. At Amazon, that flag does not separate
    /// transient errors from permanent ones.
    pub blame_sender: bool,
    /// All calls wait until this is false again.
    pub paused: bool,
}

/// A log-normal distribution given by two of its quantiles, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Faults {
    /// Checks that all values are in their ranges.
    ///
    /// # Errors
    /// Names the value that is out of its range.
    pub fn check(&self) -> Result<(), String> {
        let probabilities = [
            ("duplicates", self.duplicates),
            ("reorder", self.reorder),
            ("short_poll_miss", self.short_poll_miss),
            ("errors", self.errors),
            ("throttle_entries", self.throttle_entries),
        ];
        if let Some((name, value)) = probabilities
            .iter()
            .find(|(_, value)| !(0.0..=1.0).contains(value))
        {
            return Err(format!("{name} must be from 0 to 1, not {value}"));
        }
        if self
            .throttle
            .is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
        {
            return Err("throttle must be more than 0 calls per second".into());
        }
        let is_valid = |l: &Latency| 0.0 < l.p50_ms && l.p50_ms <= l.p99_ms && l.p99_ms <= 60_000.0;
        if !self.latency.as_ref().is_none_or(is_valid) {
            return Err("latency must have 0 < p50_ms <= p99_ms <= 60000".into());
        }
        Ok(())
    }
}

impl Latency {
    /// The distribution's value for a standard normal `z`.
    pub(crate) fn at(self, z: f64) -> Duration {
        /// The 99th percentile of the standard normal distribution.
        const Z99: f64 = 2.326_347_874;
        let sigma = (self.p99_ms / self.p50_ms).ln() / Z99;
        Duration::from_secs_f64(self.p50_ms * (sigma * z).exp().min(1e6) / 1000.0)
    }
}
