//! What the shop promises its customers, over HTTP, whichever architecture stands behind the
//! address. Both pass it, or neither ships.
//!
//! Without settings it starts both architectures, each as the processes a deployment runs. With
//! `ACCEPTANCE_BASE_URLS` (separated by commas) it knocks at those doors instead, and for
//! `/metrics` and `/readyz` at `ACCEPTANCE_ADMIN_URLS`, if those are elsewhere. Such a shop must
//! be seeded, and its cancellation window be at least 2 s and well below 60 s.

// Helpers of tests may unwrap, like the tests themselves.
#![allow(clippy::unwrap_used)]

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
mod shops;
mod validation;
