//! Shipments: one an order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::{Order, OrderId, Shipment};
use sqlx::postgres::types::PgInterval;
use sqlx::types::Json;
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
    let shipments = orders.into_iter().map(|order| (order, shipment, None));
    insert_all(tx, shipments.collect(), window).await
}

/// The shipments of these orders, locked until the transaction ends; an order that has none before
/// is given this one, to be dispatched after `window` at the earliest. The orders are kept, for
/// [`lock_overdue`] and [`tell_cancelled_again`].
pub async fn open<'a>(
    tx: &mut PgConnection,
    shipments: impl IntoIterator<Item = (&'a Order, Shipment)>,
    window: Duration,
) -> Result<States<Shipment>, Error> {
    let shipments: Vec<_> = shipments.into_iter().collect();
    let rows = shipments.iter();
    let rows = rows.map(|(order, shipment)| (order.id, *shipment, Some(Json(*order))));
    let new = insert_all(tx, rows.collect(), window).await?;
    let orders = shipments.iter().map(|(order, _)| order.id);
    let known: Vec<_> = orders.filter(|order| !new.contains(order)).collect();
    let known = if known.is_empty() {
        HashMap::new()
    } else {
        lock(tx, known).await?
    };
    // Of two for the same order, the first was inserted.
    let new = shipments.iter().rev();
    let new = new.map(|(order, shipment)| (order.id, *shipment));
    Ok(new.chain(known).collect())
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
    mut shipments: Vec<(OrderId, Shipment, Option<Json<&Order>>)>,
    window: Duration,
) -> Result<HashSet<OrderId>, Error> {
    // In order of ids, so that two transactions with the same orders never wait in a circle. Of
    // two for the same order, the first is written.
    shipments.sort_by_key(|(order, ..)| *order);
    let (mut orders, mut states, mut kept) = (vec![], vec![], vec![]);
    for (order, shipment, placed) in shipments {
        orders.push(order.0);
        states.push(shipment.as_str());
        kept.push(placed);
    }
    let window = PgInterval::try_from(window).map_err(Error::Encode)?;
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
    .bind(kept)
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

/// Up to `limit` orders whose cancellation window ended `late` ago and that were not dispatched
/// since. They stay locked, and other replicas skip them, until the transaction ends.
pub async fn lock_overdue(
    tx: &mut PgConnection,
    late: Duration,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    let late = PgInterval::try_from(late).map_err(Error::Encode)?;
    let overdue: Vec<Json<Order>> = sqlx::query_scalar(
        "select placed_order from shipments
         where state = 'scheduled' and placed_order is not null
           and dispatch_at <= statement_timestamp() - $1
         order by dispatch_at
         limit $2
         for update skip locked",
    )
    .bind(late)
    .bind(limit)
    .fetch_all(tx)
    .await?;
    Ok(overdue.into_iter().map(|Json(order)| order).collect())
}

/// Times that a cancellation is told again.
const TELLINGS: i32 = 3;

/// Up to `limit` cancelled orders, each three times: `age` after its cancellation window would have
/// ended, and then four and sixteen times as long after. Other replicas skip them until the
/// transaction ends.
pub async fn tell_cancelled_again(
    tx: &mut PgConnection,
    age: Duration,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    let age = PgInterval::try_from(age).map_err(Error::Encode)?;
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
    .bind(age)
    .bind(limit)
    .bind(TELLINGS)
    .fetch_all(tx)
    .await?;
    Ok(orders.into_iter().map(|Json(order)| order).collect())
}
