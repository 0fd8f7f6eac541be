//! The shop's SQL: one module per context, plain functions on a `&mut PgConnection`.
//!
//! Invariants:
//! - nothing here begins or commits: the function that tells the story owns the transaction;
//! - rows of several products are locked in the order of their SKUs, so no two orders wait for
//!   each other in a circle;
//! - a context touches its own tables only, so it runs as well in a database of its own.
//!
//! The functions return [`sqlx::Error`] as it is. A row that holds a word this version does not
//! know is an [`sqlx::Error::Decode`], never a guess.

pub mod accounts;
pub mod catalogue;
pub mod inventory;
mod migrations;
pub mod orders;
pub mod overdue;
pub mod payments;
mod row;
pub mod seed;
pub mod shipping;
mod states;

pub use migrations::Context;
pub use states::States;
