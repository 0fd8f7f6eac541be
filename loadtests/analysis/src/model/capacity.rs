//! The capacity of an arm: the highest rate that it holds.

use serde::{Deserialize, Serialize};

use super::ArmName;
use crate::statistics::usl::Knee;

/// The highest offered rate that an arm held, found by doubling the rate and then bisecting.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Capacity {
    pub arm: ArmName,
    /// Orders per second held with goodput of 99%, errors under 0.1% and no growing backlog.
    pub held_per_s: f64,
    /// The lowest rate that was not held. `None` when even the highest one tried was held.
    pub lost_per_s: Option<f64>,
    /// Sorted by rate.
    #[serde(rename = "steps")]
    pub probes: Vec<Probe>,
    pub knee: Option<Knee>,
}

/// One rate that was tried.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Probe {
    pub offered_per_s: f64,
    pub goodput_per_s: f64,
    pub cpu_ms_per_order: f64,
    pub held: bool,
}
