//! The specification of a run.

use std::time::Duration;

use analysis::model::{ArmName, Cell, LoadModel, Run, Scenario};

use crate::deployment::slowdown_proxy::InjectedSlowdown;
use crate::load::schedule::Shape;
use crate::sqs_latency::SqsLatency;

/// What all runs of a comparison share.
#[derive(Clone, Debug)]
pub struct RunSettings {
    pub warm_up: Duration,
    pub duration: Duration,
    /// An order that settles later than this is not goodput.
    pub objective: Duration,
    pub cancellation_window: Duration,
    pub order_expiry: Duration,
    /// After which time the services publish again what was not answered. `None` leaves them their
    /// defaults, which are minutes.
    pub overdue: Option<Duration>,
    /// The longest time that an operation may take before operations are due that no generator user
    /// is free to send.
    pub longest_operation: Duration,
    pub products: usize,
    pub customers: usize,
    pub seed: u64,
    /// How the rate changes, in place of the scenario's way.
    pub shape: Option<Shape>,
    pub sqs_latency: SqsLatency,
    pub slowdown: Option<InjectedSlowdown>,
}

/// One run to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct RunSpec {
    pub arm: ArmName,
    pub scenario: Scenario,
    pub load: LoadModel,
    pub replicas: usize,
    /// Whether the queue server is as slow as Amazon's.
    pub remote_sqs: bool,
    pub pair: usize,
    /// Its place in the sequence of runs, from 0.
    pub position: usize,
}

impl RunSpec {
    /// The part of the run that all arms share.
    pub fn cell(&self) -> Cell {
        Cell {
            scenario: self.scenario,
            load: self.load,
            replicas: self.replicas,
            remote_sqs: self.remote_sqs,
        }
    }

    /// The run in a progress bar: `A3 S1 50/s, pair 2`.
    pub fn title(&self) -> String {
        format!("{} {}, pair {}", self.arm, self.cell(), self.pair + 1)
    }

    /// The run before it has figures.
    pub fn planned_run(&self, settings: &RunSettings) -> Run {
        Run {
            arm: self.arm.clone(),
            scenario: self.scenario,
            load: self.load,
            pair: self.pair,
            position: self.position,
            replicas: self.replicas,
            remote_sqs: self.remote_sqs,
            warm_up_s: settings.warm_up.as_secs_f64(),
            ..Run::default()
        }
    }
}
