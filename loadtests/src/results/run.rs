//! One run: one arm, one scenario, one rate, on fresh processes and fresh databases.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Quantiles;
use crate::plan::PROBE;

#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Run {
    pub arm: String,
    /// `S1` to `S8`.
    pub scenario: String,
    /// `open`, or `closed` when a number of users sent as fast as they were answered.
    pub model: String,
    /// Orders offered per second; in the closed model the number of users.
    pub rate_per_s: f64,
    /// Runs of different arms with the same pair number ran next to each other.
    pub pair: usize,
    /// Its place in the order in which the runs were made, from 0.
    pub position: usize,
    pub replicas: usize,
    /// Whether the queue server took as long as Amazon's does.
    pub remote_sqs: bool,
    /// Of a load before the one that was measured, which was finished and is in no figure.
    pub warm_up_s: f64,
    /// What was measured.
    pub duration_s: f64,
    /// How long answers were slower, or quicker, than they were later on. To be warned by: nothing
    /// is cut off.
    pub steady_after_s: f64,

    pub offered: u64,
    /// Orders due: what `good` is measured against.
    pub due: u64,
    /// Requests sent, and slots that nobody was free to send.
    pub requests: u64,
    /// Requests by operation and outcome, such as `place_order 201`.
    pub answers: BTreeMap<String, u64>,
    /// Orders the shop accepted.
    pub accepted: u64,
    pub errors: u64,
    /// Orders that ended as their customer could expect: all but the expired.
    pub settled: u64,
    pub endings: Endings,
    /// Orders settled within the objective.
    pub good: u64,
    /// From the slot in the schedule to the answer of `POST /orders`, in milliseconds.
    pub acknowledged_ms: Quantiles,
    /// From the slot to the order's settling, in milliseconds, by the database's own clock.
    pub settled_ms: Quantiles,
    /// How late the generator itself was, in milliseconds.
    pub lag_ms: Quantiles,
    /// From the end of the load until nothing was left to do.
    pub drain_ms: f64,

    /// CPU milliseconds by component. `outside:` begins the names of those outside the arm.
    pub cpu_ms: BTreeMap<String, f64>,
    /// Peak resident bytes by component of the arm.
    pub memory_bytes: BTreeMap<String, u64>,
    pub postgres: PostgresWork,
    /// Calls that the queue server saw, by action.
    pub sqs_calls: BTreeMap<String, u64>,
    pub noise: Noise,
    pub seconds: Vec<Second>,
    pub audit: Audit,
    /// Why no number of this run counts.
    pub void: Option<String>,
}

/// How the orders of a run ended. Arms are compared where they did the same work: a refusal is
/// cheaper than a confirmation.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Endings {
    pub confirmed: u64,
    /// Declined, or out of stock.
    pub refused: u64,
    /// At the customer's wish.
    pub cancelled: u64,
    /// Cancelled by the shop, which took too long.
    pub expired: u64,
}

/// What Postgres was asked to do during the run.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct PostgresWork {
    /// None where `pg_stat_statements` is not loaded.
    pub statements: Option<u64>,
    pub commits: u64,
    pub wal_bytes: u64,
}

/// What else went on, in percent of the run's wall time on all cores. None where it cannot be seen.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Noise {
    /// Time a hypervisor gave to others.
    pub steal_percent: Option<f64>,
    /// Time some task waited for a core (pressure stall information).
    pub cpu_pressure_percent: Option<f64>,
    pub io_pressure_percent: Option<f64>,
    /// CPU used by processes that are no part of the comparison.
    pub foreign_percent: Option<f64>,
    /// The load generator's own CPU.
    pub generator_percent: Option<f64>,
}

/// What happened in one second of the run.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Second {
    pub offered: u64,
    pub settled: u64,
    /// Accepted and not settled at the end of the second.
    pub backlog: u64,
}

/// The promises looked at after the run. An audit that could not run says why.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Audit {
    pub checks: Vec<Check>,
    pub not_run: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Check {
    /// The promise, as a sentence.
    pub promise: String,
    /// How many orders, products or queues were looked at.
    pub examined: u64,
    pub broken: u64,
    /// The first that broke it.
    pub example: Option<String>,
}

impl Audit {
    pub fn passed(&self) -> bool {
        self.not_run.is_none()
            && !self.checks.is_empty()
            && self.checks.iter().all(|check| check.broken == 0)
    }

    /// The first broken promise, or why there is no audit.
    pub fn failure(&self) -> Option<String> {
        let broken = self.checks.iter().find(|check| check.broken > 0);
        match (&self.not_run, broken) {
            (Some(reason), _) => Some(format!("the audit could not run: {reason}")),
            (None, Some(check)) => {
                Some(format!("{}: broken {} times", check.promise, check.broken))
            }
            (None, None) if self.checks.is_empty() => Some("the audit looked at nothing".into()),
            (None, None) => None,
        }
    }
}

/// Lateness of the generator itself, at its 99th percentile, above which a run is void.
pub const LAG_LIMIT_MS: f64 = 5.0;
/// The share of requests that may fail.
pub const ERROR_LIMIT: f64 = 0.001;

/// The prefix of components that are shown apart from the arm's own.
pub const OUTSIDE: &str = "outside:";

impl Run {
    /// Why the run has no number: it was void, or a promise was broken.
    pub fn refusal(&self) -> Option<String> {
        self.void.clone().or_else(|| self.audit.failure())
    }

    /// CPU of the arm's own processes and its Postgres, in milliseconds per settled order. No
    /// number where the processes run elsewhere.
    pub fn cpu_ms_per_order(&self) -> f64 {
        if self.cpu_ms.is_empty() {
            return f64::NAN;
        }
        let own = self
            .cpu_ms
            .iter()
            .filter(|(name, _)| !name.starts_with(OUTSIDE));
        self.per_order(own.map(|(_, cpu)| cpu).sum())
    }

    pub fn per_order(&self, value: f64) -> f64 {
        value / self.settled.max(1) as f64
    }

    /// Peak of the arm's own processes together, in bytes. No number where they run elsewhere.
    pub fn memory(&self) -> f64 {
        match self.memory_bytes.is_empty() {
            true => f64::NAN,
            false => self.memory_bytes.values().sum::<u64>() as f64,
        }
    }

    /// Orders settled within the objective, per second.
    pub fn goodput_per_s(&self) -> f64 {
        self.good as f64 / self.duration_s.max(0.001)
    }

    /// No number where nobody counted: elsewhere, and not on a server of ours.
    pub fn sqs_calls_per_order(&self) -> f64 {
        if self.cpu_ms.is_empty() && self.sqs_calls.is_empty() {
            return f64::NAN;
        }
        self.per_order(self.sqs_calls.values().sum::<u64>() as f64)
    }

    /// Begin and commit count as statements. No number where Postgres could not be asked.
    pub fn statements_per_order(&self) -> f64 {
        let statements = self.postgres.statements.filter(|count| *count > 0);
        statements.map_or(f64::NAN, |count| self.per_order(count as f64))
    }

    pub fn commits_per_order(&self) -> f64 {
        match self.postgres.commits {
            0 => f64::NAN,
            commits => self.per_order(commits as f64),
        }
    }

    /// Bytes of the write-ahead log.
    pub fn wal_per_order(&self) -> f64 {
        match self.postgres.wal_bytes {
            0 => f64::NAN,
            bytes => self.per_order(bytes as f64),
        }
    }

    /// No verdict is read from a search for the capacity, and past it errors are to be expected.
    pub fn is_probe(&self) -> bool {
        self.model == PROBE
    }

    /// In the closed model nothing is ever late.
    pub fn is_late(&self) -> bool {
        self.model != "closed" && self.lag_ms.p99 > LAG_LIMIT_MS
    }

    pub fn has_errors(&self) -> bool {
        self.errors as f64 > ERROR_LIMIT * self.requests as f64
    }

    /// What was run, whichever arm and pair it was.
    pub fn cell(&self) -> Cell {
        Cell {
            scenario: self.scenario.clone(),
            model: self.model.clone(),
            rate_millis: (self.rate_per_s * 1_000.0) as u64,
            replicas: self.replicas,
            remote_sqs: self.remote_sqs,
        }
    }
}

impl Endings {
    /// How far the shares of two runs' orders are apart, at the ending where they differ most.
    pub fn distance(&self, other: &Endings) -> f64 {
        let differences = self.shares().into_iter().zip(other.shares());
        let differences = differences.map(|(ours, theirs)| (ours - theirs).abs());
        differences.fold(0.0, f64::max)
    }

    fn shares(&self) -> [f64; 4] {
        let counts = [self.confirmed, self.refused, self.cancelled, self.expired];
        let all = counts.iter().sum::<u64>().max(1) as f64;
        counts.map(|count| count as f64 / all)
    }
}

impl std::fmt::Display for Endings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Endings {
            confirmed,
            refused,
            cancelled,
            expired,
        } = self;
        write!(
            f,
            "{confirmed} confirmed, {refused} refused, {cancelled} cancelled, {expired} expired"
        )
    }
}

/// The part of a run that both arms share.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cell {
    pub scenario: String,
    pub model: String,
    /// Orders per 1,000 seconds, so that rates compare as whole numbers.
    pub rate_millis: u64,
    pub replicas: usize,
    pub remote_sqs: bool,
}
