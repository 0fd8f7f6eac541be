//! The audit: every promise of the shop, looked at over all rows after each run.
//!
//! Invariants:
//! - it reads what the run left behind in every database and in the payment provider's own
//!   ledger, never what an arm says of itself;
//! - it knows nothing of arms: both are held to the same promises;
//! - a run that breaks one has no number.

pub mod books;
mod ledger;
pub mod promises;
pub mod sources;

#[cfg(test)]
mod tests;

pub use books::{Books, LedgerEntry};
pub use promises::{Sent, audit};
pub use sources::Sources;
