//! How slow Amazon's queues are taken to be.

use serde::{Deserialize, Serialize};

/// How long Amazon's queue takes to answer, from a data file that names its source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SqsLatency {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub source: String,
}

impl SqsLatency {
    /// # Errors
    /// When the data file was changed into something else.
    pub fn from_data() -> anyhow::Result<SqsLatency> {
        Ok(serde_json::from_str(include_str!(
            "../data/sqs_latency.json"
        ))?)
    }

    /// What makes the queue server as slow.
    pub fn arguments(&self) -> Vec<String> {
        vec![format!("--latency={},{}", self.p50_ms, self.p99_ms)]
    }
}
