//! What every process needs, so that a service is only what makes it different.
//!
//! [`run`] is the whole of a `main`: it reads the settings, starts what it is given, serves it
//! and stops it on SIGTERM or Ctrl-C. [`launch`] does the same inside a process that has others
//! beside it, as tests and `all-in-one` do.
//!
//! Invariants:
//! - every response that is an error is a [`Problem`] document (RFC 9457);
//! - no request is larger than 64 KiB, takes longer than its timeout, or brings a process down;
//! - a body that does not arrive in half of that time is a 408, and connections are counted;
//! - a process that cannot start says why, and what to do, in one line;
//! - nothing here knows a shop, a queue or a table.

pub mod auth;
mod body;
pub mod config;
mod context;
pub mod database;
mod extract;
mod head;
mod health;
pub mod openapi;
mod otlp;
mod periodic;
mod problem;
mod process;
mod request;
mod serve;
mod shutdown;
mod telemetry;
mod trace;

pub use context::Context;
pub use extract::{Json, Path, Query};
pub use problem::Problem;
pub use process::{Running, launch, run};
pub use request::{BODY_LIMIT, RequestId};
pub use trace::Trace;
pub use trace_context::TraceParent;
