//! The bodies of the HTTP contract, alike in both architectures.

mod account;
mod order;
mod product;
mod validation;

pub use problem_document::{FieldError, ProblemBody};

pub use account::{AccessToken, Credentials};
pub use order::{
    Amount, Cursor, HistoryEntry, LineBody, NewLine, OrderBody, OrderPage, PlaceOrder, Placement,
};
pub use product::{ProductBody, ProductCursor, ProductPage};

/// Issuer and audience of the access tokens: who signs them, and whom they are for.
pub const TOKEN_ISSUER: &str = "twofold";

/// Items a page when the client does not say.
fn default_limit() -> i64 {
    20
}

fn page_size(limit: i64) -> Result<i64, &'static str> {
    (1..=100)
        .contains(&limit)
        .then_some(limit)
        .ok_or("must be a whole number from 1 to 100")
}
