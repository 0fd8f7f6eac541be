//! Orders as placed. What has happened to them since is in [`facts`](crate::facts).

mod record;
mod records;

use domain::{CustomerId, Fact, Order, OrderId};
use sqlx::types::JsonValue;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::facts;
use record::OrderRow;

pub use record::OrderRecord;
pub use records::OrderRecords;

/// A request's idempotency key, by which a repeated request is recognized.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Idempotency {
    /// The `Idempotency-Key` header: 1 to 255 characters, unique per customer.
    pub key: String,
    /// The request as sent. A different request under the same key is an error of the client.
    pub request: JsonValue,
}

/// Inserts an order with its lines and facts. All facts get the time at which it was placed.
///
/// Returns `None`, and writes nothing, if the customer has placed an order under this key before.
/// Of two transactions with the same key at the same time, the later one waits and gets `None`.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut PgConnection,
    order: Order,
    idempotency: &Idempotency,
    facts: &[Fact],
) -> Result<Option<OrderRecord>, Error> {
    // One statement, because a round trip to the server costs as much as the work in it.
    let skus: Vec<&str> = order.lines.iter().map(|line| line.sku.as_str()).collect();
    let quantities: Vec<i32> = order
        .lines
        .iter()
        .map(|line| line.quantity.get() as i32)
        .collect();
    let prices: Vec<i64> = order
        .lines
        .iter()
        .map(|line| line.unit_price.minor())
        .collect();
    let placed_at = sqlx::query_scalar(
        "with placed as (
             insert into orders (id, customer_id, idempotency_key, request, payment_method,
                                 total_minor, currency)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict on constraint one_order_per_idempotency_key do nothing
             returning id, placed_at
         ), lines as (
             insert into order_lines (order_id, sku, quantity, price_minor)
             select placed.id, line.sku, line.quantity, line.price
             from placed, unnest($8::text[], $9::integer[], $10::bigint[])
                  as line (sku, quantity, price)
         ), facts as (
             insert into order_facts (order_id, fact, at)
             select placed.id, fact, placed.placed_at
             from placed, unnest($11::text[]) as fact
         )
         select placed_at from placed",
    )
    .bind(order.id.0)
    .bind(order.customer.0)
    .bind(&idempotency.key)
    .bind(&idempotency.request)
    .bind(order.payment_method.as_str())
    .bind(order.total.minor())
    .bind(order.total.currency().code())
    .bind(skus)
    .bind(quantities)
    .bind(prices)
    .bind(facts.iter().map(|fact| fact.as_str()).collect::<Vec<_>>())
    .fetch_optional(tx)
    .await?;
    Ok(placed_at.map(|placed_at| OrderRecord {
        order,
        facts: facts.iter().copied().collect(),
        placed_at,
    }))
}

/// Finds the order that the customer has placed under this key, with the request that placed it.
///
/// # Errors
/// When the database fails.
pub async fn find_by_key(
    connection: &mut PgConnection,
    customer: CustomerId,
    key: &str,
) -> Result<Option<(OrderId, JsonValue)>, Error> {
    let found: Option<(Uuid, JsonValue)> = sqlx::query_as(
        "select id, request from orders where customer_id = $1 and idempotency_key = $2",
    )
    .bind(customer.0)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|(id, request)| (OrderId(id), request)))
}

/// Finds an order, without checking who owns it.
///
/// # Errors
/// When the database fails, or a row holds a value that this version does not know.
pub async fn find(
    connection: &mut PgConnection,
    order: OrderId,
) -> Result<Option<OrderRecord>, Error> {
    let found: Option<OrderRow> = sqlx::query_as("select * from known_orders where id = $1")
        .bind(order.0)
        .fetch_optional(connection)
        .await?;
    found.map(OrderRecord::try_from).transpose()
}

/// Finds these orders, sorted by id. Orders that do not exist are skipped.
///
/// # Errors
/// When the database fails, or a row holds a value that this version does not know.
pub async fn find_all(
    connection: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<Vec<OrderRecord>, Error> {
    let orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    let found: Vec<OrderRow> =
        sqlx::query_as("select * from known_orders where id = any($1) order by id")
            .bind(orders)
            .fetch_all(connection)
            .await?;
    found.into_iter().map(OrderRecord::try_from).collect()
}

/// Finds up to `limit` orders of a customer, newest first, starting before the order `after`.
///
/// # Errors
/// When the database fails, or a row holds a value that this version does not know.
pub async fn list(
    connection: &mut PgConnection,
    customer: CustomerId,
    after: Option<OrderId>,
    limit: i64,
) -> Result<Vec<OrderRecord>, Error> {
    let found: Vec<OrderRow> = sqlx::query_as(
        "select * from known_orders
         where customer_id = $1 and ($2::uuid is null or id < $2)
         order by id desc
         limit $3",
    )
    .bind(customer.0)
    .bind(after.map(|order| order.0))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    found.into_iter().map(OrderRecord::try_from).collect()
}

/// Loads these orders, so that facts can be added to them. Locks nothing.
///
/// # Errors
/// When the database fails, or a row holds a value that this version does not know.
pub async fn load(
    connection: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<OrderRecords, Error> {
    let found = find_all(connection, orders).await?;
    Ok(found.into_iter().collect())
}

/// Records the facts that were added since the orders were loaded.
///
/// # Errors
/// When the database fails.
pub async fn save_facts(tx: &mut PgConnection, orders: OrderRecords) -> Result<(), Error> {
    facts::record_at(tx, orders.into_new_facts())
        .await
        .map(drop)
}
