//! Both architectures on a network to Postgres that misbehaves: what clients were promised holds,
//! and no connection is left in a transaction.
//!
//! `storm` goes on for 8 s by default; `NETWORK_STORM_S=60` makes it a minute.
#![allow(clippy::unwrap_used)]

mod held;
mod leaving;
mod shop;
mod storm;
