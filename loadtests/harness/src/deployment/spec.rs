//! The configuration of a deployment.

use std::time::Duration;

use analysis::model::Arm;

/// What to start, and how.
#[derive(Clone, Debug)]
pub struct DeploymentSpec {
    pub arm: Arm,
    /// Whether its processes run the baseline's binaries.
    pub baseline: bool,
    /// The name of the folder of its logs.
    pub name: String,
    /// The number of processes of each service, or of the monolith.
    pub replicas: usize,
    pub products: usize,
    pub provider_latency_ms: u64,
    /// Arguments of the queue server, such as its latency.
    pub sqs_arguments: Vec<String>,
    pub cancellation_window: Duration,
    pub order_expiry: Duration,
    pub seed: u64,
    /// CPU to burn per order in a proxy in front of the arm.
    pub slowdown: Option<Duration>,
}
