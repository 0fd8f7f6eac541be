//! The code above the SQL that both architectures share: reading orders and products over HTTP,
//! checking a new order, registering customers, and calling the payment provider.
//!
//! Placing, cancelling and dispatching are not here: the monolith and the services each have their
//! own code for them. So nothing in this crate can make the two differ.

pub mod accounts;
pub mod checkout;
mod customer;
pub mod passwords;
pub mod provider;
pub mod reading;
pub mod submission;

pub use customer::Customer;
pub use provider::{Provider, ProviderError};
