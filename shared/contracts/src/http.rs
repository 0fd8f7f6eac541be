//! The bodies of the HTTP contract, alike in both architectures.

mod order;
mod product;
mod validation;

pub use order::{
    Amount, Cursor, HistoryEntry, LineBody, NewLine, OrderBody, OrderPage, PlaceOrder, Placement,
};
pub use product::ProductBody;
pub use validation::FieldError;
