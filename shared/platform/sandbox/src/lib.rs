//! The infrastructure of a service on this machine: Postgres and an SQS endpoint.
//!
//! Invariants:
//! - servers listen on the loopback interface only;
//! - servers end with the program: on return, on a panic, on Ctrl-C and on SIGKILL;
//! - durability is always on, because a comparison without it would be worthless.

#![warn(missing_docs)]

mod account;
mod error;
mod fsync;
mod options;
pub mod postgres;
mod postgres_proxy;
mod run;
mod sandbox;
mod supervised;
pub mod testing;

pub use self::account::Account;
pub use self::error::Error;
pub use self::fsync::{FsyncLatency, probe_fsync};
pub use self::options::{Options, PostgresMode, Storage};
pub use self::postgres::{Database, Server};
pub use self::postgres_proxy::{Direction, PostgresProxy};
pub use self::sandbox::Sandbox;
pub use self::supervised::{Launch, Supervised};
