//! The results of a comparison: everything that the report shows, so it can be rendered again.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ArmName, Audit, Capacity, FaultRun, Machine, Partial, Run, Soak};

/// The shape of `results.json`. A reader refuses a file with another number.
pub const SCHEMA: u32 = 3;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Results {
    pub schema: u32,
    /// The command that repeats this comparison.
    pub command: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// Why the comparison is not complete. `None` when it is.
    pub partial: Option<Partial>,
    pub settings: Settings,
    pub machine: Machine,
    /// Versions of the parts: `rustc`, `postgres`, `goose`, `commit`.
    pub versions: BTreeMap<String, String>,
    pub runs: Vec<Run>,
    /// Runs with a fault. Files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultRun>,
    /// Soaks. Files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub soaks: Vec<Soak>,
    pub capacities: Vec<Capacity>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Settings {
    #[serde(rename = "mode")]
    pub method: Method,
    pub arms: Vec<ArmName>,
    /// Orders per second, as far as the user named them: the full method finds its own.
    pub rates: Vec<f64>,
    pub seed: u64,
    pub duration_s: f64,
    pub warm_up_s: f64,
    /// An order that settles later than this after its intended arrival is not goodput.
    pub objective_ms: f64,
    pub cancellation_window_ms: u64,
    pub storage: Storage,
    pub postgres: PostgresPlace,
    /// The arm that was slowed down on purpose, and microseconds of CPU per order.
    #[serde(rename = "planted")]
    pub injected_slowdown: Option<(ArmName, u64)>,
    /// What the queue server adds to each call in the cells with slow SQS.
    pub sqs_latency: String,
}

/// How many runs at which rates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    Quick,
    Full,
    Custom,
}

/// Where the databases kept their files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    Disk,
    Memory,
}

/// Which Postgres servers the databases were on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostgresPlace {
    /// One server for all databases, started for the comparison.
    Shared,
    /// One server for each service, started for the comparison.
    Each,
    /// A server that was running already, for all databases.
    #[serde(rename = "given")]
    External,
    /// The servers of the targets.
    Elsewhere,
}

impl Results {
    /// The runs, and after them those with a fault.
    pub fn all_runs(&self) -> impl Iterator<Item = &Run> + Clone {
        let faulty = self.faults.iter().map(|faulty| &faulty.run);
        self.runs.iter().chain(faulty)
    }

    /// The audits of all runs and of all rounds of soaks.
    pub fn audits(&self) -> impl Iterator<Item = &Audit> + Clone {
        let rounds = self.soaks.iter().flat_map(|soak| &soak.rounds);
        let of_rounds = rounds.map(|round| &round.audit);
        self.all_runs().map(|run| &run.audit).chain(of_rounds)
    }

    /// Whether every run's audit ran and found every promise kept.
    pub fn all_promises_kept(&self) -> bool {
        let mut all = self.audits().peekable();
        all.peek().is_some() && all.all(Audit::passed)
    }

    /// Whether any run but the search for a capacity had more errors than the limit.
    pub fn has_errors(&self) -> bool {
        self.runs
            .iter()
            .any(|run| run.has_errors() && !run.load.is_probe())
    }

    /// Whether a run with a fault left work that was never finished.
    pub fn has_left_work(&self) -> bool {
        self.faults.iter().any(|faulty| faulty.run.void.is_some())
    }

    /// The arms that have runs, each once, in the order of their first runs.
    pub fn arm_names(&self) -> Vec<&ArmName> {
        let mut names: Vec<&ArmName> = vec![];
        for run in &self.runs {
            if !names.contains(&&run.arm) {
                names.push(&run.arm);
            }
        }
        names
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Quick => "quick",
            Method::Full => "full",
            Method::Custom => "custom",
        })
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Storage::Disk => "disk",
            Storage::Memory => "memory",
        })
    }
}

impl fmt::Display for PostgresPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PostgresPlace::Shared => "shared",
            PostgresPlace::Each => "one per service",
            PostgresPlace::External => "external",
            PostgresPlace::Elsewhere => "elsewhere",
        })
    }
}
