//! The latency of Amazon's queues that the comparison assumes.

use serde::{Deserialize, Serialize};

/// How long one call takes, from a data file that names its source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SqsLatency {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub source: String,
}

impl SqsLatency {
    /// # Errors
    /// When the data file has another shape.
    pub fn from_data() -> anyhow::Result<SqsLatency> {
        Ok(serde_json::from_str(include_str!(
            "../../data/sqs_latency.json"
        ))?)
    }

    /// The arguments that make the queue server this slow.
    pub fn arguments(&self) -> Vec<String> {
        vec![format!("--latency={},{}", self.p50_ms, self.p99_ms)]
    }
}
