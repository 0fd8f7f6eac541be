//! Stock and what of it is reserved.

use domain::{Line, Order, OrderId, Reservation, Sku, Stock, StockLevel};
use sqlx::{Error, PgConnection};

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

pub async fn save(tx: &mut PgConnection, stock: &Stock) -> Result<(), Error> {
    let skus: Vec<&str> = stock.levels().map(|(sku, _)| sku.as_str()).collect();
    let available: Vec<i64> = stock.levels().map(|(_, level)| level.available).collect();
    let reserved: Vec<i64> = stock.levels().map(|(_, level)| level.reserved).collect();
    sqlx::query(
        "update stock set available = level.available, reserved = level.reserved
         from unnest($1::text[], $2::bigint[], $3::bigint[]) as level (sku, available, reserved)
         where stock.sku = level.sku",
    )
    .bind(skus)
    .bind(available)
    .bind(reserved)
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes the order's reservation down. `false` when the order has one already.
pub async fn insert_reservation(
    tx: &mut PgConnection,
    order: &Order,
    reservation: Reservation,
) -> Result<bool, Error> {
    let skus: Vec<&str> = order.lines.iter().map(|line| line.sku.as_str()).collect();
    let quantities: Vec<i32> = order
        .lines
        .iter()
        .map(|line| line.quantity.get() as i32)
        .collect();
    let inserted = sqlx::query(
        "insert into reservations (order_id, state, skus, quantities)
         values ($1, $2, $3, $4)
         on conflict (order_id) do nothing",
    )
    .bind(order.id.0)
    .bind(reservation.as_str())
    .bind(skus)
    .bind(quantities)
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The order's reservation, locked until the transaction ends.
pub async fn lock_reservation(
    tx: &mut PgConnection,
    order: OrderId,
) -> Result<Option<Reservation>, Error> {
    let state: Option<String> =
        sqlx::query_scalar("select state from reservations where order_id = $1 for update")
            .bind(order.0)
            .fetch_optional(tx)
            .await?;
    state
        .map(|state| row::named("reservations.state", &state, Reservation::from_name))
        .transpose()
}

pub async fn save_reservation(
    tx: &mut PgConnection,
    order: OrderId,
    reservation: Reservation,
) -> Result<(), Error> {
    sqlx::query("update reservations set state = $2 where order_id = $1")
        .bind(order.0)
        .bind(reservation.as_str())
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
