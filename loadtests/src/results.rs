//! What a comparison found: everything the report shows, and enough to render it again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub mod machine;
pub mod quantiles;
pub mod run;

pub use machine::Machine;
pub use quantiles::Quantiles;
pub use run::{Audit, Check, Endings, Noise, PostgresWork, Run, Second};

use crate::statistics::usl::Knee;

/// The shape of `results.json`. A reader that finds another number refuses the file.
pub const SCHEMA: u32 = 3;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Results {
    pub schema: u32,
    /// The command that repeats this comparison.
    pub command: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// Why the comparison ended early, if it did.
    pub partial: Option<String>,
    pub settings: Settings,
    pub machine: Machine,
    /// Versions of what took part: `rustc`, `postgres`, `goose`, `commit`.
    pub versions: BTreeMap<String, String>,
    pub runs: Vec<Run>,
    pub capacities: Vec<Capacity>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// `quick`, `full` or `custom`.
    pub mode: String,
    pub arms: Vec<String>,
    /// Orders per second, as far as they were given: the full method finds its own.
    pub rates: Vec<f64>,
    pub seed: u64,
    pub duration_s: f64,
    pub warm_up_s: f64,
    /// An order that settles later than this after its intended arrival is no goodput.
    pub objective_ms: f64,
    pub cancellation_window_ms: u64,
    /// `disk` or `memory`: where the databases lived.
    pub storage: String,
    /// `shared` or `each`: one Postgres server for all, or one a service; `given`: one that was
    /// running already, and `elsewhere` that of a target.
    pub postgres: String,
    /// A slowdown that was put in on purpose: the arm, and microseconds of CPU an order.
    pub planted: Option<(String, u64)>,
    /// What the queue server adds to each call in the cells that say so.
    pub sqs_latency: String,
}

/// The highest offered rate an arm held, found by stepping up and then bisecting.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Capacity {
    pub arm: String,
    /// Orders per second held with goodput of 99%, errors under 0.1% and no growing backlog.
    pub held_per_s: f64,
    /// The lowest rate that was not held; none when even the highest one tried was.
    pub lost_per_s: Option<f64>,
    /// In the order of their rates.
    pub steps: Vec<Step>,
    pub knee: Option<Knee>,
}

/// One rate that was tried.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Step {
    pub offered_per_s: f64,
    pub goodput_per_s: f64,
    pub cpu_ms_per_order: f64,
    pub held: bool,
}

impl Results {
    /// Whether every run's audit ran and found every promise kept.
    pub fn all_promises_kept(&self) -> bool {
        !self.runs.is_empty() && self.runs.iter().all(|run| run.audit.passed())
    }

    /// Whether any run but a search for the capacity had more errors than it may.
    pub fn has_errors(&self) -> bool {
        self.runs
            .iter()
            .any(|run| run.has_errors() && !run.is_probe())
    }

    pub fn arm_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = vec![];
        for run in &self.runs {
            if !names.contains(&run.arm.as_str()) {
                names.push(&run.arm);
            }
        }
        names
    }
}
