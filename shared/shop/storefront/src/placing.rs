//! `POST /orders` up to the point where the architectures part: reading the request, recognising a
//! repetition, and looking up the prices.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use chassis::Problem;
use contracts::http::PlaceOrder;
use domain::{CustomerId, Order};
use sqlx::{PgConnection, PgPool};
use store::orders;
use store::orders::{Idempotency, KnownOrder};

use crate::checkout;

/// The `Idempotency-Key` header: 1 to 255 printable ASCII characters, which the draft
/// standard (draft-ietf-httpapi-idempotency-key-header) leaves to the server to bound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdempotencyKey(pub String);

/// What a request to place an order turns out to be.
pub enum Placing {
    /// A new order, priced and not yet written down.
    New(Order, Idempotency),
    /// The same request again: the order it placed the first time.
    Repeated(KnownOrder),
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

/// Reads the request and prices it, or finds what it placed before.
pub async fn prepare(
    db: &PgPool,
    customer: CustomerId,
    IdempotencyKey(key): IdempotencyKey,
    request: PlaceOrder,
) -> Result<Placing, Problem> {
    let idempotency = Idempotency {
        key,
        request: as_sent(&request),
    };
    let placement = request.validate().map_err(Problem::invalid)?;
    let mut connection = database::lend(db).await?;
    if let Some(known) = find_placed(&mut connection, customer, &idempotency).await? {
        return Ok(Placing::Repeated(known));
    }
    let priced = checkout::price(&mut connection, customer, placement).await?;
    Ok(Placing::New(priced.map_err(Problem::invalid)?, idempotency))
}

/// The order that was placed under this key. A key that placed another order is refused, as the
/// draft standard asks.
async fn find_placed(
    connection: &mut PgConnection,
    customer: CustomerId,
    idempotency: &Idempotency,
) -> Result<Option<KnownOrder>, Problem> {
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

/// The order that another request with the same key has placed at the same time.
pub async fn find_winner(
    db: &PgPool,
    customer: CustomerId,
    idempotency: &Idempotency,
) -> Result<KnownOrder, Problem> {
    let winner = find_placed(&mut *database::lend(db).await?, customer, idempotency).await?;
    winner.ok_or_else(|| Problem::internal("a key is taken, and no order has it"))
}

fn wrong_key(message: &str) -> Problem {
    Problem::invalid_field("Idempotency-Key", message)
}

fn as_sent(request: &PlaceOrder) -> serde_json::Value {
    serde_json::to_value(request).expect("a request has only string keys")
}
