//! The live page of `cargo compare up`: one document that shows both architectures at work, and
//! what can be done to them.
//!
//! Invariants:
//! - it listens on loopback only, and refuses pages of other origins and calls without its token;
//! - it reads what the arms serve anyway, four times per second, and is in no measured path: a
//!   comparison does not start it, and exports no span;
//! - commands to one arm are executed one at a time, by the task that owns its deployment;
//! - everything that happens is an event of one log, which keeps the last ten minutes, so a page
//!   that was away catches up.

mod api;
mod audit;
mod clock;
mod error;
mod events;
mod guard;
mod journey;
mod load;
mod metrics;
mod operator;
mod orders;
mod outbox;
mod outside;
mod page;
mod placing;
mod questions;
mod queues;
mod sampler;
mod server;
mod setup;
mod side;
mod spans;
mod state;
mod text;

pub use server::{Page, Receiver, Started};
