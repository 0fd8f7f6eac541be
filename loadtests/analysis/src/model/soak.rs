//! A soak: a long load with random faults on one arm, audited after every round.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Arm, Audit};

/// The rounds of one arm. Its processes run from the first to the last, unless a fault ends them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Soak {
    pub arm: Arm,
    /// Orders per second.
    pub rate: f64,
    pub seed: u64,
    pub rounds: Vec<SoakRound>,
}

/// A load with a fault in its middle, the wait until no work is left, and the audit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SoakRound {
    /// Seconds from the beginning of the soak to the end of the round.
    pub at_s: f64,
    /// The fault and the part, such as `F1 A3 payment-service`.
    pub fault: String,
    /// Orders that were due, and how many of them were accepted.
    pub offered: u64,
    pub accepted: u64,
    pub audit: Audit,
    /// Work that was left although the round waited. `None` when there was none.
    pub left: Option<String>,
    pub resources: Resources,
}

/// What the arm held when no work was left, by the names of its parts.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Resources {
    /// Resident memory of each process, in bytes.
    pub memory: BTreeMap<String, u64>,
    /// Open file descriptors of each process.
    pub descriptors: BTreeMap<String, u64>,
    /// Rows of each table that is emptied when no work is left, as `orders.outbox`.
    pub rows: BTreeMap<String, u64>,
    /// The size of each database, in bytes. It grows with the orders.
    pub databases: BTreeMap<String, u64>,
    /// Messages in each queue, delayed ones included.
    pub messages: BTreeMap<String, u64>,
}

impl Soak {
    /// The orders that all rounds accepted.
    pub fn accepted(&self) -> u64 {
        self.rounds.iter().map(|round| round.accepted).sum()
    }

    /// Whether there was a round, and each kept every promise and left no work.
    pub fn is_clean(&self) -> bool {
        let kept = |round: &SoakRound| round.left.is_none() && round.audit.passed();
        !self.rounds.is_empty() && self.rounds.iter().all(kept)
    }
}
