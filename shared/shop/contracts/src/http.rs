//! The bodies of the HTTP contract, the same in both architectures.

mod account;
mod order;
mod product;
mod validation;

pub use problem_document::{FieldError, ProblemBody};

pub use account::{AccessToken, Credentials};
pub use order::{
    Amount, Cursor, HistoryEntry, LineBody, NewLine, OrderBody, OrderPage, PlaceOrder, ValidOrder,
};
pub use product::{ProductBody, ProductCursor, ProductPage};

/// Issuer and audience of the access tokens.
pub const TOKEN_ISSUER: &str = "twofold";

/// Items per page, if the client does not choose.
fn default_limit() -> i64 {
    20
}

fn page_size(limit: i64) -> Result<i64, &'static str> {
    (1..=100)
        .contains(&limit)
        .then_some(limit)
        .ok_or("must be a whole number from 1 to 100")
}
