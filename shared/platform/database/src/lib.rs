//! Connections to Postgres: lending, returning and closing.
//!
//! [`lend`] and [`begin`] are the only ways to a connection; a lint forbids those of sqlx
//! (`clippy.toml`). Any future may be dropped at any await: a client leaves, a timeout ends, a
//! lease is lost, a task is aborted. This crate alone decides what then happens to the connection.
//!
//! Invariants:
//! - no connection is lent inside a transaction, or while an answer to an earlier statement is
//!   outstanding;
//! - a connection whose `begin` was dropped half-way or failed is closed and never lent again;
//! - returning takes at most [`RETURN_TIMEOUT`]; after that the connection is closed, so a pool
//!   recovers even if the network or the server hangs;
//! - Postgres itself ends statements and transactions that hang: each connection of [`connect`] has
//!   the timeouts of [`timeouts`].
//!
//! The state of a connection after a drop at each await of sqlx 0.9, and what this crate does:
//!
//! | dropped during | state of the connection | reaction |
//! | --- | --- | --- |
//! | `acquire` | sqlx closes it | none needed |
//! | `begin` | `BEGIN` is sent, sqlx counts no transaction and rolls nothing back | closed |
//! | a statement | its answer is outstanding | awaited for [`RETURN_TIMEOUT`], else closed |
//! | a statement in a transaction | the same, in a transaction | the same after a rollback |
//! | `commit`, `rollback` | unknown until answered | the same after a rollback |
//! | the return | in a task of its own | awaited for [`RETURN_TIMEOUT`], else closed |

mod error;
mod lending;
mod pool;
pub mod timeouts;
mod transaction;

pub use error::is_transient;
pub use lending::{Connection, RETURN_TIMEOUT, lend};
pub use pool::{connect, connect_for_migrations};
pub use transaction::{Transaction, begin};
