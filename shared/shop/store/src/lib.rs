//! The shop's SQL: one module per context, plain functions on a `&mut PgConnection`.
//!
//! Invariants:
//! - nothing here begins or commits: the caller owns the transaction;
//! - rows of several products are locked in the order of their SKUs, rows of several orders in the
//!   order of their ids, so two transactions never deadlock;
//! - a context uses its own tables only, so it can have a database of its own.
//!
//! The functions return [`sqlx::Error`] unchanged. A row that holds a value that this version does
//! not know is an [`sqlx::Error::Decode`], never a guess.

pub mod accounts;
pub mod catalogue;
pub mod facts;
pub mod inventory;
mod migrations;
pub mod orders;
pub mod overdue;
pub mod payments;
mod row;
pub mod seed;
pub mod shipping;
mod states;

pub use migrations::{Context, overdue_payments, overdue_shipments};
pub use states::States;
