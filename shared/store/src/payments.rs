//! Payments: one an order.

use domain::{Order, OrderId, Payment};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::row;

/// Writes the order's payment down. `false` when the order has one already.
pub async fn insert(tx: &mut PgConnection, order: &Order, payment: Payment) -> Result<bool, Error> {
    let inserted = sqlx::query(
        "insert into payments (order_id, state, amount_minor, currency)
         values ($1, $2, $3, $4)
         on conflict (order_id) do nothing",
    )
    .bind(order.id.0)
    .bind(payment.as_str())
    .bind(order.total.minor())
    .bind(order.total.currency().code())
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The order's payment, locked until the transaction ends.
pub async fn lock(tx: &mut PgConnection, order: OrderId) -> Result<Option<Payment>, Error> {
    let state: Option<String> =
        sqlx::query_scalar("select state from payments where order_id = $1 for update")
            .bind(order.0)
            .fetch_optional(tx)
            .await?;
    state
        .map(|state| row::named("payments.state", &state, Payment::from_name))
        .transpose()
}

pub async fn save(tx: &mut PgConnection, order: OrderId, payment: Payment) -> Result<(), Error> {
    sqlx::query(
        "update payments set state = $2, updated_at = clock_timestamp() where order_id = $1",
    )
    .bind(order.0)
    .bind(payment.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that the provider has done what was `due`. Does nothing when another replica was faster.
pub async fn settle(tx: &mut PgConnection, order: OrderId, due: Payment) -> Result<(), Error> {
    sqlx::query(
        "update payments set state = $3, updated_at = clock_timestamp()
         where order_id = $1 and state = $2",
    )
    .bind(order.0)
    .bind(due.as_str())
    .bind(due.done().as_str())
    .execute(tx)
    .await?;
    Ok(())
}

/// Up to `limit` payments for which the provider still has something to do, the longest waiting
/// first. Nothing is locked: the provider is called outside transactions, and idempotently.
pub async fn due(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(OrderId, Payment)>, Error> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select order_id, state from payments
         where state in ('capture_due', 'void_due', 'refund_due')
         order by updated_at
         limit $1",
    )
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|(id, state)| {
            Ok((
                OrderId(id),
                row::named("payments.state", &state, Payment::from_name)?,
            ))
        })
        .collect()
}

/// Those of `orders` that have a payment. The others' authorizations belong to no order.
pub async fn known(
    connection: &mut PgConnection,
    orders: &[OrderId],
) -> Result<Vec<OrderId>, Error> {
    let orders: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
    let known: Vec<Uuid> =
        sqlx::query_scalar("select order_id from payments where order_id = any($1)")
            .bind(orders)
            .fetch_all(connection)
            .await?;
    Ok(known.into_iter().map(OrderId).collect())
}
