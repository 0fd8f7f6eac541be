//! One run, from its specification to its audited result.

mod drain;
mod faults;
mod figures;
mod local;
mod meter;
mod phases;
mod procedure;
mod soak;
mod spec;
mod subject;
mod target;
mod witness;

pub use faults::{cases, run_with_fault};
pub use local::run_locally;
pub use procedure::run;
pub use soak::soak;
pub use spec::{RunSettings, RunSpec};
pub use subject::{Access, Endpoint, Subject};
pub use target::Target;
