//! The data of a comparison: what `results.json` holds.

mod arm;
mod audit;
mod capacity;
mod cell;
mod fault;
mod fault_run;
mod load_model;
mod machine;
mod partial;
mod quantiles;
mod results;
mod run;
mod scenario;
mod soak;

pub use arm::{Arm, ArmName};
pub use audit::{ACCEPTED_ARE_KEPT, Audit, Check};
pub use capacity::{Capacity, Probe};
pub use cell::Cell;
pub use fault::{Fault, FaultCase};
pub use fault_run::{FaultRun, QueueSample, UsageSample};
pub use load_model::{LoadModel, Rate};
pub use machine::{Fsync, Machine};
pub use partial::Partial;
pub use quantiles::Quantiles;
pub use results::{Method, PostgresPlace, Results, SCHEMA, Settings, Storage};
pub use run::{
    ERROR_LIMIT, EXTERNAL, Endings, Noise, PostgresWork, Run, SEND_DELAY_LIMIT_MS, Second,
};
pub use scenario::Scenario;
pub use soak::{Resources, Soak, SoakRound};
