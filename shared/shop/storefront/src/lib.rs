//! What both architectures do alike above the SQL: reading orders and products over HTTP, checking
//! a new order, registering customers, and talking to the payment provider.
//!
//! None of it owns a story: placing, cancelling and dispatching stand in the monolith and in the
//! services, each in its own way. What stands here cannot be what makes them differ.

pub mod accounts;
pub mod checkout;
mod customer;
pub mod passwords;
pub mod placing;
pub mod provider;
pub mod reading;

pub use customer::Customer;
pub use provider::{Provider, ProviderError};
