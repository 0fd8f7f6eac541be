//! A run with a fault.

use serde::{Deserialize, Serialize};

use super::{FaultCase, Quantiles, Run};

/// A run with a fault.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FaultRun {
    #[serde(flatten)]
    pub case: FaultCase,
    /// When the fault began, in seconds of the load.
    pub begin_s: f64,
    /// When all parts were back, in seconds of the load.
    pub end_s: f64,
    /// Orders that were due during the fault.
    pub due: u64,
    /// How many of them were accepted.
    pub accepted: u64,
    /// The settled orders per second that were measured before an overload. `None` for other
    /// faults.
    #[serde(default)]
    pub capacity_per_s: Option<f64>,
    /// After how many seconds the shop let an order expire. 0 in files of earlier versions.
    #[serde(default)]
    pub order_expiry_s: f64,
    /// After how many seconds the services published again what was not answered. `None` if they
    /// had their defaults, which are minutes.
    #[serde(default)]
    pub overdue_s: Option<f64>,
    /// From the fault's end until the last order was due that was not accepted, in seconds.
    pub goodput_back_s: f64,
    /// From the fault's end until a second in which answers were at most twice as slow as before
    /// the fault, at the median. `None` when there was none.
    #[serde(default)]
    pub latency_back_s: Option<f64>,
    /// From the fault's end until all orders that were due before it were settled, in seconds.
    /// `None` when one of them never settled.
    pub backlog_gone_s: Option<f64>,
    /// Answers to the orders that were due during the fault and accepted, in milliseconds.
    pub acknowledged_ms: Quantiles,
    /// The same orders, from the moment they were due until they were settled, in milliseconds.
    pub settled_ms: Quantiles,
    /// Messages that ended in dead-letter queues, poison included.
    pub dead_letters: u64,
    /// Deliveries per message, over the whole run. `None` for an arm without SQS.
    #[serde(default)]
    pub receives_per_message: Option<f64>,
    /// The state of the queues four times a second. Empty for an arm without SQS.
    pub queues: Vec<QueueSample>,
    /// What the arm's processes and Postgres used, in each second. Empty where the operating system
    /// has no `/proc`.
    #[serde(default)]
    pub usage: Vec<UsageSample>,
    pub run: Run,
}

/// The queues at one moment, all together.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct QueueSample {
    /// Seconds since the load began.
    pub at_s: f64,
    /// Messages that wait or are being handled.
    pub messages: u64,
    /// The age of the oldest one, in seconds.
    pub oldest_s: f64,
}

/// What an arm used in one second.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct UsageSample {
    /// Seconds since the load began.
    pub at_s: f64,
    /// CPU of the arm's processes, in cores.
    pub cores: f64,
    /// CPU of Postgres, in cores.
    pub postgres_cores: f64,
    /// Resident memory of the arm's processes in bytes, without that of Postgres.
    pub memory_bytes: u64,
}

impl FaultRun {
    /// The share of the orders during the fault that were accepted, from 0 to 1. 1 when none was
    /// due.
    pub fn accepted_share(&self) -> f64 {
        match self.due {
            0 => 1.0,
            due => self.accepted as f64 / due as f64,
        }
    }
}
