//! Shipments: one an order.

use std::time::Duration;

use domain::{OrderId, Shipment};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::row;

/// Writes the order's shipment down, to be dispatched after `window` at the earliest. `false` when
/// the order has a shipment already, were it a cancelled one.
pub async fn insert(
    tx: &mut PgConnection,
    order: OrderId,
    shipment: Shipment,
    window: Duration,
) -> Result<bool, Error> {
    let window = PgInterval::try_from(window).map_err(Error::Encode)?;
    let inserted = sqlx::query(
        "insert into shipments (order_id, state, dispatch_at)
         values ($1, $2, clock_timestamp() + $3)
         on conflict (order_id) do nothing",
    )
    .bind(order.0)
    .bind(shipment.as_str())
    .bind(window)
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The order's shipment, locked until the transaction ends: its holder decides its fate.
pub async fn lock(tx: &mut PgConnection, order: OrderId) -> Result<Option<Shipment>, Error> {
    let state: Option<String> =
        sqlx::query_scalar("select state from shipments where order_id = $1 for update")
            .bind(order.0)
            .fetch_optional(tx)
            .await?;
    state
        .map(|state| row::named("shipments.state", &state, Shipment::from_name))
        .transpose()
}

pub async fn save(tx: &mut PgConnection, order: OrderId, shipment: Shipment) -> Result<(), Error> {
    sqlx::query("update shipments set state = $2 where order_id = $1")
        .bind(order.0)
        .bind(shipment.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

/// Up to `limit` shipments whose cancellation window has ended, the longest waiting first. They
/// stay locked, and other replicas skip them, until the transaction ends.
pub async fn lock_due(tx: &mut PgConnection, limit: i64) -> Result<Vec<OrderId>, Error> {
    let due: Vec<Uuid> = sqlx::query_scalar(
        "select order_id from shipments
         where state = 'scheduled' and dispatch_at <= clock_timestamp()
         order by dispatch_at
         limit $1
         for update skip locked",
    )
    .bind(limit)
    .fetch_all(tx)
    .await?;
    Ok(due.into_iter().map(OrderId).collect())
}
