//! Deployments: the arms, each started as the processes that a real deployment runs.

pub mod arm_deployment;
pub mod binaries;
mod databases;
pub(crate) mod environment;
pub mod faults;
pub mod infrastructure;
pub mod process;
mod scale;
pub mod slowdown_proxy;
mod spec;
pub mod third_parties;
pub mod wiring;

pub use arm_deployment::Deployment;
pub use infrastructure::Infrastructure;
pub use process::Process;
pub use spec::DeploymentSpec;
