//! The sandbox on real servers.

// Helpers of tests may unwrap, like the tests themselves.
#![allow(clippy::unwrap_used)]

#[path = "it/endings.rs"]
mod endings;
#[path = "it/postgres.rs"]
mod postgres;
#[path = "it/postgres_proxy.rs"]
mod postgres_proxy;
#[path = "it/sandbox.rs"]
mod sandbox;
