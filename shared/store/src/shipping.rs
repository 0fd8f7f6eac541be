//! Shipments: one an order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::{OrderId, Shipment};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::row;

/// Writes the orders' shipments down, to be dispatched after `window` at the earliest, and tells
/// which of the orders had none before, were it a cancelled one.
pub async fn insert(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
    shipment: Shipment,
    window: Duration,
) -> Result<HashSet<OrderId>, Error> {
    let orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    let window = PgInterval::try_from(window).map_err(Error::Encode)?;
    let inserted: Vec<Uuid> = sqlx::query_scalar(
        "insert into shipments (order_id, state, dispatch_at)
         select order_id, $2, clock_timestamp() + $3
         from unnest($1::uuid[]) as shipment (order_id)
         order by order_id
         on conflict (order_id) do nothing
         returning order_id",
    )
    .bind(orders)
    .bind(shipment.as_str())
    .bind(window)
    .fetch_all(tx)
    .await?;
    Ok(inserted.into_iter().map(OrderId).collect())
}

/// The orders' shipments, locked in the order of their ids until the transaction ends: their
/// holder decides their fate.
pub async fn lock(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<HashMap<OrderId, Shipment>, Error> {
    let orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select order_id, state from shipments
         where order_id = any($1)
         order by order_id
         for update",
    )
    .bind(orders)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(shipment).collect()
}

pub async fn save(
    tx: &mut PgConnection,
    shipments: impl IntoIterator<Item = (OrderId, Shipment)>,
) -> Result<(), Error> {
    let (orders, states): (Vec<Uuid>, Vec<&str>) = shipments
        .into_iter()
        .map(|(order, shipment)| (order.0, shipment.as_str()))
        .unzip();
    sqlx::query(
        "update shipments set state = shipment.state
         from unnest($1::uuid[], $2::text[]) as shipment (order_id, state)
         where shipments.order_id = shipment.order_id",
    )
    .bind(orders)
    .bind(states)
    .execute(tx)
    .await?;
    Ok(())
}

/// Up to `limit` shipments whose cancellation window has ended, the longest waiting first. They
/// stay locked, and other replicas skip them, until the transaction ends.
pub async fn lock_due(
    tx: &mut PgConnection,
    limit: i64,
) -> Result<HashMap<OrderId, Shipment>, Error> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select order_id, state from shipments
         where state = 'scheduled' and dispatch_at <= clock_timestamp()
         order by dispatch_at
         limit $1
         for update skip locked",
    )
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(shipment).collect()
}

fn shipment((order, state): (Uuid, String)) -> Result<(OrderId, Shipment), Error> {
    let shipment = row::named("shipments.state", &state, Shipment::from_name)?;
    Ok((OrderId(order), shipment))
}
