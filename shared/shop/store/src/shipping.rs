//! Shipments: one per order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::{Order, OrderId, Shipment};
use sqlx::types::Json;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::States;
use crate::row::{self, interval};

/// Inserts the orders' shipments, to be dispatched after `cancellation_window` at the earliest.
/// Returns the orders that had no shipment before.
///
/// # Errors
/// When the database fails, or the window exceeds what Postgres can store.
pub async fn insert(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
    shipment: Shipment,
    cancellation_window: Duration,
) -> Result<HashSet<OrderId>, Error> {
    let mut orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    orders.sort();
    let inserted: Vec<Uuid> = sqlx::query_scalar(
        "insert into shipments (order_id, state, dispatch_at)
         select order_id, $2, clock_timestamp() + $3 from unnest($1::uuid[]) as scheduled (order_id)
         on conflict (order_id) do nothing
         returning order_id",
    )
    .bind(orders)
    .bind(shipment.as_str())
    .bind(interval(cancellation_window)?)
    .fetch_all(tx)
    .await?;
    Ok(inserted.into_iter().map(OrderId).collect())
}

/// Inserts the shipments that are missing, to be dispatched after `cancellation_window` at the
/// earliest, and locks all of them in the order of the orders' ids, until the transaction ends.
/// The orders are stored with them, for [`lock_overdue`] and [`claim_cancelled`].
///
/// # Errors
/// When the database fails, or a row holds a state that this version does not know.
pub async fn insert_missing_and_lock<'a>(
    tx: &mut PgConnection,
    shipments: impl IntoIterator<Item = (&'a Order, Shipment)>,
    cancellation_window: Duration,
) -> Result<States<Shipment>, Error> {
    // In the order of ids, so that two transactions never deadlock. Of two shipments for one
    // order, the first is inserted.
    let mut shipments: Vec<(&Order, Shipment)> = shipments.into_iter().collect();
    shipments.sort_by_key(|(order, _)| order.id);
    let (mut orders, mut states, mut placed_orders) = (vec![], vec![], vec![]);
    for (order, shipment) in &shipments {
        orders.push(order.id.0);
        states.push(shipment.as_str());
        placed_orders.push(Json(*order));
    }
    let inserted: Vec<Uuid> = sqlx::query_scalar(
        "insert into shipments (order_id, state, dispatch_at, placed_order)
         select order_id, state, clock_timestamp() + $4, placed_order
         from unnest($1::uuid[], $2::text[], $3::jsonb[])
              as shipment (order_id, state, placed_order)
         on conflict (order_id) do nothing
         returning order_id",
    )
    .bind(orders)
    .bind(states)
    .bind(placed_orders)
    .bind(interval(cancellation_window)?)
    .fetch_all(&mut *tx)
    .await?;
    let inserted = inserted.into_iter().map(OrderId).collect();
    let shipments = shipments.into_iter();
    let states = States::to_insert(shipments.map(|(order, shipment)| (order.id, shipment)));
    let existing = lock(tx, states.existing(&inserted)).await?;
    Ok(states.with(existing))
}

/// Locks the orders' shipments in the order of their ids, until the transaction ends. The holder of
/// the lock decides between dispatch and cancel.
///
/// # Errors
/// When the database fails, or a row holds a state that this version does not know.
pub async fn lock(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<HashMap<OrderId, Shipment>, Error> {
    let orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
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

/// Saves the shipments' states. A dispatched one no longer needs its stored order.
///
/// # Errors
/// When the database fails.
pub async fn save(
    tx: &mut PgConnection,
    shipments: impl IntoIterator<Item = (OrderId, Shipment)>,
) -> Result<(), Error> {
    let (orders, states): (Vec<Uuid>, Vec<&str>) = shipments
        .into_iter()
        .map(|(order, shipment)| (order.0, shipment.as_str()))
        .unzip();
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update shipments
         set state = shipment.state,
             placed_order = case when shipment.state <> 'dispatched' then placed_order end
         from unnest($1::uuid[], $2::text[]) as shipment (order_id, state)
         where shipments.order_id = shipment.order_id",
    )
    .bind(orders)
    .bind(states)
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks up to `limit` shipments whose cancellation window has ended, oldest first. Other replicas
/// skip them until the transaction ends.
///
/// # Errors
/// When the database fails, or a row holds a state that this version does not know.
pub async fn lock_due(
    tx: &mut PgConnection,
    limit: i64,
) -> Result<HashMap<OrderId, Shipment>, Error> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select order_id, state from shipments
         where state = 'scheduled' and dispatch_at <= statement_timestamp()
         order by dispatch_at
         limit $1
         for update skip locked",
    )
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(shipment).collect()
}

/// Locks up to `limit` shipments that are still scheduled although their cancellation window ended
/// more than `late` ago, and returns their orders. Other replicas skip them until the transaction
/// ends.
///
/// # Errors
/// When the database fails.
pub async fn lock_overdue(
    tx: &mut PgConnection,
    late: Duration,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    let overdue: Vec<Json<Order>> = sqlx::query_scalar(
        "select placed_order from shipments
         where state = 'scheduled' and placed_order is not null
           and dispatch_at <= statement_timestamp() - $1
         order by dispatch_at
         limit $2
         for update skip locked",
    )
    .bind(interval(late)?)
    .bind(limit)
    .fetch_all(tx)
    .await?;
    Ok(overdue.into_iter().map(|Json(order)| order).collect())
}

/// How often a cancellation is published again.
const CANCELLATION_REPEATS: i32 = 3;

/// Claims up to `limit` cancelled orders whose cancellation is due to be published again: once
/// `age` after the end of the cancellation window, then after four and after sixteen times as long.
/// Other replicas skip them until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn claim_cancelled(
    tx: &mut PgConnection,
    age: Duration,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    let orders: Vec<Json<Order>> = sqlx::query_scalar(
        "with due as (
             select order_id, placed_order from shipments
             where state = 'cancelled' and placed_order is not null
               and dispatch_at <= statement_timestamp() - $1
               and dispatch_at <= statement_timestamp() - $1 * power(4, told_again)
             order by dispatch_at
             limit $2
             for update skip locked
         )
         update shipments
         set told_again = told_again + 1,
             placed_order = case when told_again + 1 < $3 then shipments.placed_order end
         from due
         where shipments.order_id = due.order_id
         returning due.placed_order",
    )
    .bind(interval(age)?)
    .bind(limit)
    .bind(CANCELLATION_REPEATS)
    .fetch_all(tx)
    .await?;
    Ok(orders.into_iter().map(|Json(order)| order).collect())
}

fn shipment(found: (Uuid, String)) -> Result<(OrderId, Shipment), Error> {
    row::state("shipments.state", found, Shipment::from_name)
}
