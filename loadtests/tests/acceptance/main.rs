//! The acceptance suite: what the shop promises its customers over HTTP. Both architectures pass
//! it, or neither ships.
//!
//! By default it starts both architectures, each as the processes of a real deployment. With
//! `ACCEPTANCE_BASE_URLS` (separated by commas) it tests the shops at those addresses instead, and
//! reads `/metrics` and `/readyz` at `ACCEPTANCE_ADMIN_URLS`, if those are elsewhere. Such a
//! shop must be seeded, with a cancellation window of at least 2 s and well below 60 s.

// Helpers of tests may unwrap, like the tests themselves.
#![allow(clippy::unwrap_used)]

mod abuse;
mod accounts;
mod answer;
mod authorization;
mod cancelling;
mod customer;
mod malformed;
mod operations;
mod ordering;
mod reading;
mod repeating;
mod secrets;
mod shops;
mod validation;
