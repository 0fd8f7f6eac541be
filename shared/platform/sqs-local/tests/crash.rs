//! The server is killed with `kill -9` at random points under load and started again on its data,
//! again and again, and each time held against a model of what it acknowledged.
//!
//! `CRASH_KILLS` sets the number of kills, `CRASH_SEED` the seed of all random choices.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

mod crash {
    mod attributes;
    mod client;
    mod damage;
    mod fifo;
    mod moves;
    mod refusals;
    mod rounds;
    mod server;
    mod standard;
}
