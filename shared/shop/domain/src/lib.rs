//! The shop's rules, as plain functions of values.
//!
//! Both architectures run exactly these rules, so nothing but the architecture differs between
//! them. There is no async, no SQL, no clock, no network, and no randomness except for new ids.
//!
//! Invariants:
//! - a value that exists is valid: [`Sku`], [`Quantity`], [`Money`] and [`Lines`] are parsed at the
//!   edge and trusted inside;
//! - a business "no" is a [`Refusal`], which is a value;
//! - a move that a state machine does not allow is an [`IllegalMove`], never a silent no-op;
//! - [`Status`] is computed from a set of facts and does not depend on their order.

mod account;
mod fact;
mod id;
mod money;
mod order;
mod payment;
mod product;
mod refusal;
mod reservation;
mod shipment;
mod sku;
mod status;
mod stock;

pub use account::{Email, EmailError, Password, PasswordError};
pub use fact::{Fact, Facts};
pub use id::{CustomerId, OrderId};
pub use money::{Currency, Money, MoneyError};
pub use order::{Line, Lines, LinesError, Order, PaymentMethod, PaymentMethodError};
pub use payment::Payment;
pub use product::Product;
pub use refusal::{IllegalMove, Refusal};
pub use reservation::Reservation;
pub use shipment::{CancelDecision, Shipment};
pub use sku::{Quantity, QuantityError, Sku, SkuError};
pub use status::{Cancellation, Status};
pub use stock::{Stock, StockLevel};
