//! Connections to Postgres: how they are lent, given back and thrown away.
//!
//! [`lend`] and [`begin`] are the only ways to a connection; a lint forbids those of sqlx
//! (`clippy.toml`). Any future may be dropped at any await: a client leaves, a time limit ends, a
//! lease is lost, a task is aborted. What then happens to the connection is decided here alone.
//!
//! Invariants:
//! - no connection is lent inside a transaction, or with an answer to an earlier statement still
//!   on its way;
//! - a connection whose `begin` was dropped half-way or failed is closed and never lent again;
//! - giving back takes at most [`GIVE_BACK`]; after that the connection is closed, so a pool is
//!   whole again even if the network or the server hangs;
//! - Postgres itself ends what hangs: each connection of [`connect`] carries the time-outs of
//!   [`timeouts`].
//!
//! What sqlx 0.9 does at each await, and which part of this crate answers for it:
//!
//! | dropped during | state of the connection | answer |
//! | --- | --- | --- |
//! | `acquire` | sqlx closes it | none needed |
//! | `begin` | `BEGIN` is sent, sqlx counts no transaction and rolls nothing back | closed |
//! | a statement | its answer is outstanding | awaited for [`GIVE_BACK`], else closed |
//! | a statement in a transaction | the same, and a transaction | the same after a rollback |
//! | `commit`, `rollback` | in doubt until answered | the same after a rollback |
//! | giving back | in a task of its own | awaited for [`GIVE_BACK`], else closed |

mod error;
mod lending;
mod pool;
pub mod timeouts;
mod transaction;

pub use error::is_transient;
pub use lending::{Connection, GIVE_BACK, lend};
pub use pool::{connect, connect_for_migrations};
pub use transaction::{Transaction, begin};
