//! Shipments: one an order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::{OrderId, Shipment};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::{States, row};

/// Inserts the orders' shipments, to be dispatched after `window` at the earliest. Returns the
/// orders for which a new row was created.
pub async fn insert(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
    shipment: Shipment,
    window: Duration,
) -> Result<HashSet<OrderId>, Error> {
    let orders = orders.into_iter().map(|order| (order, shipment));
    insert_all(tx, orders.collect(), window).await
}

/// The shipments of these orders, locked until the transaction ends; an order that has none before
/// is given this one, to be dispatched after `window` at the earliest.
pub async fn open(
    tx: &mut PgConnection,
    shipments: impl IntoIterator<Item = (OrderId, Shipment)>,
    window: Duration,
) -> Result<States<Shipment>, Error> {
    let shipments: Vec<_> = shipments.into_iter().collect();
    let new = insert_all(tx, shipments.clone(), window).await?;
    let orders = shipments.iter().map(|(order, _)| *order);
    let known: Vec<_> = orders.filter(|order| !new.contains(order)).collect();
    let known = if known.is_empty() {
        HashMap::new()
    } else {
        lock(tx, known).await?
    };
    // Of two for the same order, the first was inserted.
    Ok(shipments.into_iter().rev().chain(known).collect())
}

/// Saves the shipments that were changed.
pub async fn save_changed(
    tx: &mut PgConnection,
    shipments: &States<Shipment>,
) -> Result<(), Error> {
    if shipments.changed().next().is_none() {
        return Ok(());
    }
    save(tx, shipments.changed()).await
}

async fn insert_all(
    tx: &mut PgConnection,
    mut shipments: Vec<(OrderId, Shipment)>,
    window: Duration,
) -> Result<HashSet<OrderId>, Error> {
    // In order of ids, so that two transactions with the same orders never wait in a circle. Of
    // two for the same order, the first is written.
    shipments.sort_by_key(|(order, _)| *order);
    let (orders, states): (Vec<Uuid>, Vec<&str>) = shipments
        .into_iter()
        .map(|(order, shipment)| (order.0, shipment.as_str()))
        .unzip();
    let window = PgInterval::try_from(window).map_err(Error::Encode)?;
    let inserted: Vec<Uuid> = sqlx::query_scalar(
        "insert into shipments (order_id, state, dispatch_at)
         select order_id, state, clock_timestamp() + $3
         from unnest($1::uuid[], $2::text[]) as shipment (order_id, state)
         on conflict (order_id) do nothing
         returning order_id",
    )
    .bind(orders)
    .bind(states)
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
