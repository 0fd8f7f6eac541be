//! The machine that a comparison ran on. Figures mean nothing without it.

use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub system: String,
    pub processor: String,
    pub cores: usize,
    pub memory_bytes: Option<u64>,
    /// Measured where the databases are. `None` for databases elsewhere.
    pub fsync: Option<Fsync>,
}

/// How long writing 8 KiB durably to the disk takes: no commit is faster.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Fsync {
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Machine {
    /// Whether figures from both machines may stand side by side.
    pub fn is_like(&self, other: &Machine) -> bool {
        let named = |one: &Machine| (one.system.clone(), one.processor.clone());
        named(self) == named(other)
            && self.cores == other.cores
            && self.memory_bytes == other.memory_bytes
    }
}
