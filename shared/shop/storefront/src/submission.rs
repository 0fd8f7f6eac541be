//! `POST /orders` up to the point where the architectures differ: reading the request, recognizing
//! a repeated one, and looking up the prices.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use chassis::Problem;
use contracts::http::PlaceOrder;
use domain::{CustomerId, Order};
use sqlx::{PgConnection, PgPool};
use store::orders::{self, Idempotency, OrderRecord};

use crate::checkout;

/// The `Idempotency-Key` header: 1 to 255 printable ASCII characters. The draft standard
/// (draft-ietf-httpapi-idempotency-key-header) leaves the limit to the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdempotencyKey(pub String);

/// A request to place an order, after it was checked.
pub enum Submission {
    /// A new order, priced and not yet stored.
    New(Order, Idempotency),
    /// A repeated request, with the order that the first one placed.
    Repeated(OrderRecord),
}

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IdempotencyKey, Problem> {
        let key = parts
            .headers
            .get(HEADER)
            .ok_or_else(|| wrong_key("is missing: send a new UUID with each order"))?;
        let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        match key.to_str() {
            Ok(key) if (1..=255).contains(&key.len()) && key.bytes().all(visible) => {
                Ok(IdempotencyKey(key.to_owned()))
            }
            _ => Err(wrong_key("must be 1 to 255 visible ASCII characters")),
        }
    }
}

/// Checks the request and prices the order, or finds the order that it placed before.
///
/// # Errors
/// 422 for invalid fields, or for a key that has placed a different order; 503 without a database.
pub async fn check(
    db: &PgPool,
    customer: CustomerId,
    IdempotencyKey(key): IdempotencyKey,
    request: PlaceOrder,
) -> Result<Submission, Problem> {
    let idempotency = Idempotency {
        key,
        request: as_sent(&request),
    };
    let valid = request.validate().map_err(Problem::invalid)?;
    let mut connection = database::lend(db).await?;
    if let Some(record) = find_by_key(&mut connection, customer, &idempotency).await? {
        return Ok(Submission::Repeated(record));
    }
    let priced = checkout::price(&mut connection, customer, valid).await?;
    let order = priced.map_err(Problem::invalid)?;
    Ok(Submission::New(order, idempotency))
}

/// Finds the order that was placed under this key. A key that has placed a different order is
/// refused, as the draft standard requires.
async fn find_by_key(
    connection: &mut PgConnection,
    customer: CustomerId,
    idempotency: &Idempotency,
) -> Result<Option<OrderRecord>, Problem> {
    let found = orders::find_by_key(connection, customer, &idempotency.key).await?;
    let Some((order, request)) = found else {
        return Ok(None);
    };
    if request != idempotency.request {
        return Err(Problem::invalid_field(
            "Idempotency-Key",
            "was used for another order: send a new key with each order",
        ));
    }
    Ok(orders::find(connection, order).await?)
}

/// Finds the order that another request with the same key has placed at the same time.
///
/// # Errors
/// 422 if the other request was different; 503 without a database.
pub async fn find_existing(
    db: &PgPool,
    customer: CustomerId,
    idempotency: &Idempotency,
) -> Result<OrderRecord, Problem> {
    let existing = find_by_key(&mut *database::lend(db).await?, customer, idempotency).await?;
    existing.ok_or_else(|| Problem::internal("the key has been used, but no order has it"))
}

fn wrong_key(message: &str) -> Problem {
    Problem::invalid_field("Idempotency-Key", message)
}

fn as_sent(request: &PlaceOrder) -> serde_json::Value {
    serde_json::to_value(request).expect("a request has only string keys")
}
