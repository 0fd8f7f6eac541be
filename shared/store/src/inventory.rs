//! Stock and what of it is reserved.

use std::collections::{BTreeMap, HashMap};

use domain::{Line, Order, OrderId, Reservation, Sku, Stock, StockLevel};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::row;

/// The levels of the products in `lines`, of one order or of several, locked in the order of their
/// SKUs until the transaction ends. A product that was never stocked has no level.
pub async fn lock<'a>(
    tx: &mut PgConnection,
    lines: impl IntoIterator<Item = &'a Line>,
) -> Result<Stock, Error> {
    let skus: Vec<&str> = lines.into_iter().map(|line| line.sku.as_str()).collect();
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "select sku, available, reserved from stock
         where sku = any($1)
         order by sku
         for update",
    )
    .bind(skus)
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|(sku, available, reserved)| {
            Ok((
                row::sku(sku)?,
                StockLevel {
                    available,
                    reserved,
                },
            ))
        })
        .collect()
}

/// The orders' reservations, locked in the order of their ids until the transaction ends.
pub async fn lock_reservations(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<HashMap<OrderId, Reservation>, Error> {
    let orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select order_id, state from reservations
         where order_id = any($1)
         order by order_id
         for update",
    )
    .bind(orders)
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|(order, state)| {
            let reservation = row::named("reservations.state", &state, Reservation::from_name)?;
            Ok((OrderId(order), reservation))
        })
        .collect()
}

/// Writes down the levels and what became of the orders' reservations, new ones and known ones.
pub async fn save<'a>(
    tx: &mut PgConnection,
    stock: &Stock,
    reservations: impl IntoIterator<Item = (&'a Order, Reservation)>,
) -> Result<(), Error> {
    let skus: Vec<&str> = stock.levels().map(|(sku, _)| sku.as_str()).collect();
    let available: Vec<i64> = stock.levels().map(|(_, level)| level.available).collect();
    let reserved: Vec<i64> = stock.levels().map(|(_, level)| level.reserved).collect();
    // A row for each line: arrays of arrays cannot be unnested. The same order twice is one.
    let reservations = reservations.into_iter();
    let orders: BTreeMap<_, _> = reservations
        .map(|(order, state)| (order.id, (order, state)))
        .collect();
    let (mut ids, mut states, mut lines, mut quantities) = (vec![], vec![], vec![], vec![]);
    for (order, state) in orders.into_values() {
        for line in &order.lines {
            ids.push(order.id.0);
            states.push(state.as_str());
            lines.push(line.sku.as_str());
            quantities.push(line.quantity.get() as i32);
        }
    }
    // One statement, since every round trip to the server costs as much as the work in it.
    sqlx::query(
        "with levels as (
             update stock set available = level.available, reserved = level.reserved
             from unnest($1::text[], $2::bigint[], $3::bigint[])
                  as level (sku, available, reserved)
             where stock.sku = level.sku
         )
         insert into reservations (order_id, state, skus, quantities)
         select order_id, state, array_agg(sku), array_agg(quantity)
         from unnest($4::uuid[], $5::text[], $6::text[], $7::integer[])
              as line (order_id, state, sku, quantity)
         group by order_id, state
         order by order_id
         on conflict (order_id) do update set state = excluded.state",
    )
    .bind(skus)
    .bind(available)
    .bind(reserved)
    .bind(ids)
    .bind(states)
    .bind(lines)
    .bind(quantities)
    .execute(tx)
    .await?;
    Ok(())
}

/// Puts `available` pieces of each product on the shelf, as a delivery or a seed does.
pub async fn restock(
    tx: &mut PgConnection,
    deliveries: impl IntoIterator<Item = (&Sku, i64)>,
) -> Result<(), Error> {
    let (skus, available): (Vec<&str>, Vec<i64>) = deliveries
        .into_iter()
        .map(|(sku, pieces)| (sku.as_str(), pieces))
        .unzip();
    sqlx::query(
        "insert into stock (sku, available)
         select sku, pieces from unnest($1::text[], $2::bigint[]) as delivery (sku, pieces)
         order by sku
         on conflict (sku) do update set available = stock.available + excluded.available",
    )
    .bind(skus)
    .bind(available)
    .execute(tx)
    .await?;
    Ok(())
}
