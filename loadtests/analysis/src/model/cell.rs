//! A cell: one condition under which arms are compared.

use std::fmt;

use super::{LoadModel, Scenario};

/// The part of a run that all arms share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cell {
    pub scenario: Scenario,
    pub load: LoadModel,
    pub replicas: usize,
    /// Whether the queue server is as slow as Amazon's.
    pub remote_sqs: bool,
}

impl Cell {
    /// The cell in a sentence: `at 50 orders/s`, and what else is special about it.
    pub fn phrase(&self) -> String {
        let load = match self.load {
            LoadModel::Open(rate) | LoadModel::Probe(rate) => format!("at {rate} orders/s"),
            LoadModel::Closed { users } => format!("with {users} users"),
        };
        let scenario = match self.scenario {
            Scenario::Checkout => String::new(),
            scenario => format!(" ({})", scenario.title()),
        };
        let remote = match self.remote_sqs {
            true => ", SQS as slow as Amazon's",
            false => "",
        };
        let replicas = match self.replicas {
            0 | 1 => String::new(),
            n => format!(", {n} replicas"),
        };
        format!("{load}{scenario}{remote}{replicas}")
    }
}

/// The cell in a table: `S1 50/s, slow SQS`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remote = if self.remote_sqs { ", slow SQS" } else { "" };
        let replicas = match self.replicas {
            0 | 1 => String::new(),
            n => format!(", x{n}"),
        };
        let (scenario, load) = (self.scenario.code(), self.load);
        f.pad(&format!("{scenario} {load}{remote}{replicas}"))
    }
}
