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
    /// Whether a gateway stands in front of the monolith's replicas, as one address for customers.
    pub entry_gateway: bool,
    pub products: usize,
    pub provider_latency_ms: u64,
    /// Arguments of the queue server, such as its latency.
    pub sqs_arguments: Vec<String>,
    pub cancellation_window: Duration,
    pub order_expiry: Duration,
    /// After which time the services publish again what was not answered. `None` leaves them their
    /// defaults, which are minutes.
    pub overdue: Option<Duration>,
    /// Whether a message can make its handler panic.
    pub drills: bool,
    pub seed: u64,
    /// CPU to burn per order in a proxy in front of the arm.
    pub slowdown: Option<Duration>,
}
