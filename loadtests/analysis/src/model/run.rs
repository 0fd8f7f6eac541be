//! One run: one arm, one scenario, one load, on fresh processes and fresh databases.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ArmName, Audit, Cell, LoadModel, Quantiles, Scenario};

#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Run {
    pub arm: ArmName,
    pub scenario: Scenario,
    #[serde(flatten)]
    pub load: LoadModel,
    /// Runs of different arms with the same pair number ran next to each other.
    pub pair: usize,
    /// Its place in the sequence of runs, from 0.
    pub position: usize,
    pub replicas: usize,
    /// Whether the queue server was as slow as Amazon's.
    pub remote_sqs: bool,
    /// The length of the warm-up, a load before the measured one that is in no figure.
    pub warm_up_s: f64,
    /// The length of the measured load.
    pub duration_s: f64,
    /// When the load became steady. Before it, answers were slower or quicker than later. The
    /// report warns of it; nothing is cut off.
    pub steady_after_s: f64,

    /// Operations that were due.
    pub offered: u64,
    /// Orders that were due: `good` is measured against them.
    pub due: u64,
    /// Requests sent, and operations that no generator user was free to send.
    pub requests: u64,
    /// Requests by operation and outcome, such as `place_order 201`.
    pub answers: BTreeMap<String, u64>,
    /// Orders that the shop accepted.
    pub accepted: u64,
    pub errors: u64,
    /// Orders that ended as their customer could expect: all but the expired.
    pub settled: u64,
    pub endings: Endings,
    /// Orders settled within the objective.
    pub good: u64,
    /// From the moment an order was due to the answer of `POST /orders`, in milliseconds.
    pub acknowledged_ms: Quantiles,
    /// From the moment an order was due until it was settled by the database's own clock, in
    /// milliseconds.
    pub settled_ms: Quantiles,
    /// How late the generator itself sent, in milliseconds. Latencies include it, so there is no
    /// coordinated omission.
    #[serde(rename = "lag_ms")]
    pub send_delay_ms: Quantiles,
    /// From the end of the load until no work was left, in milliseconds.
    pub drain_ms: f64,

    /// CPU milliseconds by component. Names of third parties begin with [`EXTERNAL`].
    pub cpu_ms: BTreeMap<String, f64>,
    /// Peak resident bytes by component of the arm.
    pub memory_bytes: BTreeMap<String, u64>,
    pub postgres: PostgresWork,
    /// Calls that the queue server counted, by action.
    pub sqs_calls: BTreeMap<String, u64>,
    pub noise: Noise,
    pub seconds: Vec<Second>,
    pub audit: Audit,
    /// Why no number of this run counts.
    pub void: Option<String>,
}

/// How the orders of a run ended. Arms are compared only where they did the same work: a refusal
/// is cheaper than a confirmation.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Endings {
    pub confirmed: u64,
    /// Declined, or out of stock.
    pub refused: u64,
    /// Cancelled by the customer.
    pub cancelled: u64,
    /// Cancelled by the shop, which took too long.
    pub expired: u64,
}

/// What Postgres did during the run.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct PostgresWork {
    /// `None` where `pg_stat_statements` is not loaded.
    pub statements: Option<u64>,
    pub commits: u64,
    pub wal_bytes: u64,
}

/// What else the machine did, in percent of the load's wall time on all cores. `None` where the
/// system does not show it.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Noise {
    /// Time that a hypervisor gave to other machines.
    pub steal_percent: Option<f64>,
    /// Time during which some task waited for a core (pressure stall information).
    pub cpu_pressure_percent: Option<f64>,
    pub io_pressure_percent: Option<f64>,
    /// CPU of processes that are not part of the comparison.
    #[serde(rename = "foreign_percent")]
    pub other_processes_percent: Option<f64>,
    /// CPU of the load generator.
    pub generator_percent: Option<f64>,
}

/// One second of the run.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Second {
    /// Orders that were due.
    pub offered: u64,
    /// Those of them that the shop accepted. Files of earlier versions do not have this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u64>,
    pub settled: u64,
    /// Orders accepted and not settled at the end of the second.
    pub backlog: u64,
}

/// The 99th percentile of the send delay above which a run is void, in milliseconds.
pub const SEND_DELAY_LIMIT_MS: f64 = 5.0;
/// The share of requests that may fail.
pub const ERROR_LIMIT: f64 = 0.001;

/// The prefix of components that belong to no arm: the generator and the third parties.
pub const EXTERNAL: &str = "outside:";

impl Run {
    /// Why the run has no number: it was void, or a promise was broken.
    pub fn refusal(&self) -> Option<String> {
        self.void.clone().or_else(|| self.audit.failure())
    }

    /// CPU of the arm's own processes and its Postgres, in milliseconds per settled order. Not a
    /// number (`NaN`) where the processes run elsewhere.
    pub fn cpu_ms_per_order(&self) -> f64 {
        if self.cpu_ms.is_empty() {
            return f64::NAN;
        }
        let own = self
            .cpu_ms
            .iter()
            .filter(|(name, _)| !name.starts_with(EXTERNAL));
        self.per_order(own.map(|(_, cpu)| cpu).sum())
    }

    pub fn per_order(&self, value: f64) -> f64 {
        value / self.settled.max(1) as f64
    }

    /// Peak of the arm's own processes together, in bytes. `NaN` where they run elsewhere.
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

    /// `NaN` where calls were not counted: on a queue server elsewhere.
    pub fn sqs_calls_per_order(&self) -> f64 {
        if self.cpu_ms.is_empty() && self.sqs_calls.is_empty() {
            return f64::NAN;
        }
        self.per_order(self.sqs_calls.values().sum::<u64>() as f64)
    }

    /// Begin and commit count as statements. `NaN` where Postgres did not count.
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

    /// Whether the generator sent too late. In the closed model nothing is ever late.
    pub fn is_late(&self) -> bool {
        !self.load.is_closed() && self.send_delay_ms.p99 > SEND_DELAY_LIMIT_MS
    }

    pub fn has_errors(&self) -> bool {
        self.errors as f64 > ERROR_LIMIT * self.requests as f64
    }

    /// The condition of the run, without its arm and pair.
    pub fn cell(&self) -> Cell {
        Cell {
            scenario: self.scenario,
            load: self.load,
            replicas: self.replicas,
            remote_sqs: self.remote_sqs,
        }
    }
}

impl Endings {
    /// The difference between the shares of two runs' orders, at the ending where it is largest.
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

impl fmt::Display for Endings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
