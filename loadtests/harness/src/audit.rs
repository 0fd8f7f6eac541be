//! The audit: checks every promise of the shop over all rows after each run.
//!
//! Invariants:
//! - it reads the rows that the run left in the databases and in the payment provider's own ledger,
//!   never what an arm says about itself;
//! - it knows nothing of arms: all are held to the same promises, and nothing here is imported from
//!   the rest of the harness (`tidy` checks it);
//! - a run that breaks a promise has no number.

mod check;
mod history;
mod http;
pub mod ledger;
pub mod promises;
pub mod queue_server;
pub mod snapshot;
pub mod sources;

#[cfg(test)]
mod tests;

pub use ledger::{Ledger, LedgerEntry};
pub use promises::{Sent, audit};
pub use queue_server::{DeadLetter, QueueServer};
pub use snapshot::Snapshot;
pub use sources::Sources;
