//! Everything that a service needs from outside, on this machine: Postgres and an SQS endpoint.
//!
//! What is started here listens on the loopback interface only and never outlives the program:
//! not on return, not on a panic, not on Ctrl-C and not on SIGKILL. Durability is never switched
//! off, because a comparison without it would be worth nothing.

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
