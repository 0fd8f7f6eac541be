//! The configuration of a deployment.

use std::net::{Ipv4Addr, TcpListener};
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
    /// What the services do on request, such as panic: a value of their `MESSAGING_DRILL`.
    pub drill: Option<&'static str>,
    pub seed: u64,
    /// CPU to burn per order in a proxy in front of the arm.
    pub slowdown: Option<Duration>,
    /// The port of the entry. The other parts have the next ports. A port that is taken is replaced
    /// by a free one. `None` gives every part a free port.
    pub first_port: Option<u16>,
    /// Where the processes export their spans by OTLP. No run of a comparison exports any.
    pub collector: Option<String>,
}

impl DeploymentSpec {
    /// The port of the part at this distance from the entry, or 0 for a free one.
    pub(super) fn port(&self, distance: u16) -> u16 {
        let port = self.first_port.map_or(0, |first| first + distance);
        // A port of which only old connections are left can be bound.
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => port,
            Err(_) => 0,
        }
    }
}
