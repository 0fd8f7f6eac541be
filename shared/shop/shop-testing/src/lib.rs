//! The test kit of the shop: keys and tokens, orders, and databases with tables and products.
//!
//! Only tests depend on it, so it panics where a test would. What knows no shop is in
//! `sandbox::testing`.
#![allow(clippy::unwrap_used)]

mod database;
mod keys;
mod orders;
#[cfg(feature = "messaging")]
mod queues;
#[cfg(feature = "messaging")]
mod service_database;

pub use self::database::{migrated, offer};
pub use self::keys::Keys;
pub use self::orders::{order, order_body, order_paid_with};
#[cfg(feature = "messaging")]
pub use self::queues::{in_process, published, until_published};
#[cfg(feature = "messaging")]
pub use self::service_database::ServiceDatabase;
