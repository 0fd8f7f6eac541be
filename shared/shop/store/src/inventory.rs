//! Stock levels and reservations.

use domain::{Line, Order, OrderId, Reservation, Sku, Stock, StockLevel};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::row;

/// Locks the stock levels of the products in `lines`, in SKU order, until the transaction ends. A
/// product that was never stocked has no level.
///
/// # Errors
/// When the database fails, or a row holds a value that this version does not know.
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

/// Locks the stock levels of these orders' products, in SKU order, and then the reservations that
/// the orders have already, in the order of their ids.
///
/// # Errors
/// When the database fails, or a row holds a value that this version does not know.
pub async fn lock_orders<'a>(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = &'a Order>,
) -> Result<Stock, Error> {
    let orders: Vec<&Order> = orders.into_iter().collect();
    // Levels first: an order may have no reservation yet, so only they make a second transaction
    // about the same order wait.
    let stock = lock(tx, orders.iter().flat_map(|order| &order.lines)).await?;
    let ids: Vec<Uuid> = orders.iter().map(|order| order.id.0).collect();
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select order_id, state from reservations
         where order_id = any($1)
         order by order_id
         for update",
    )
    .bind(ids)
    .fetch_all(tx)
    .await?;
    let reservations = rows.into_iter().map(|(order, state)| {
        let reservation = row::named("reservations.state", &state, Reservation::from_name)?;
        Ok((OrderId(order), reservation))
    });
    let reservations = reservations.collect::<Result<Vec<_>, Error>>()?;
    Ok(stock.with_reservations(reservations))
}

/// Saves the levels, and the reservations that have changed.
///
/// # Errors
/// When the database fails.
pub async fn save(tx: &mut PgConnection, stock: &Stock) -> Result<(), Error> {
    let skus: Vec<&str> = stock.levels().map(|(sku, _)| sku.as_str()).collect();
    let available: Vec<i64> = stock.levels().map(|(_, level)| level.available).collect();
    let reserved: Vec<i64> = stock.levels().map(|(_, level)| level.reserved).collect();
    // One row per line, because arrays of arrays cannot be unnested.
    let (mut ids, mut states, mut lines, mut quantities) = (vec![], vec![], vec![], vec![]);
    for (order, reservation, of_order) in stock.decided() {
        for line in of_order {
            ids.push(order.0);
            states.push(reservation.as_str());
            lines.push(line.sku.as_str());
            quantities.push(line.quantity.get() as i32);
        }
    }
    // One statement, because a round trip to the server costs as much as the work in it.
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

/// Adds pieces to the stock of each product.
///
/// # Errors
/// When the database fails.
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
