//! The parts that every service process shares: settings, HTTP serving, errors, tokens, telemetry
//! and shutdown.
//!
//! [`run`] is the whole of a `main`: it reads the settings, starts the service, serves its routes
//! and stops on SIGTERM or Ctrl-C. [`launch`] does the same for one of several services in a
//! process, as tests and `all-in-one` need it.
//!
//! Invariants:
//! - every error response of ours is a [`Problem`] document (RFC 9457);
//! - a request body has at most 64 KiB, a request takes at most its timeout, and a panic in a
//!   handler ends one request only;
//! - a body that does not arrive within half of the timeout is answered with 408, and the number of
//!   open connections is limited;
//! - a process that cannot start prints one line with the reason and the remedy;
//! - nothing here knows a shop, a queue or a table.

pub mod auth;
mod body;
pub mod config;
mod context;
pub mod database;
mod error_line;
mod extract;
mod head;
mod health;
pub mod openapi;
mod otlp;
mod periodic;
mod problem;
mod process;
mod request;
mod request_id;
mod serve;
mod shutdown;
mod telemetry;
mod trace;

pub use body::BODY_LIMIT;
pub use context::Context;
pub use extract::{Json, Path, Query};
pub use problem::Problem;
pub use process::{Running, launch, run};
pub use request_id::RequestId;
pub use trace::Trace;
pub use trace_context::TraceParent;
