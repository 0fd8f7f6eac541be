//! Deployments: the arms, each started as the processes that a real deployment runs.

pub mod arm_deployment;
pub mod binaries;
pub mod infrastructure;
pub mod process;
pub mod slowdown_proxy;
pub mod third_parties;
pub mod wiring;

pub use arm_deployment::{Deployment, DeploymentSpec};
pub use infrastructure::Infrastructure;
pub use process::Process;
