//! Payments: one an order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::{Order, OrderId, Payment};
use sqlx::postgres::types::PgInterval;
use sqlx::types::Json;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::{States, row};

/// Writes the orders' payments down, and tells which of the orders had none before.
pub async fn insert(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (&Order, Payment)>,
) -> Result<HashSet<OrderId>, Error> {
    insert_all(tx, payments.into_iter().collect(), false).await
}

/// The same, and keeps the orders with those that are authorized, for [`tell_again`].
pub async fn insert_with_orders(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (&Order, Payment)>,
) -> Result<HashSet<OrderId>, Error> {
    insert_all(tx, payments.into_iter().collect(), true).await
}

async fn insert_all(
    tx: &mut PgConnection,
    mut payments: Vec<(&Order, Payment)>,
    keep_orders: bool,
) -> Result<HashSet<OrderId>, Error> {
    // In order of ids, so that two transactions with the same orders never wait in a circle. Of
    // two for the same order, the first is written.
    payments.sort_by_key(|(order, _)| order.id);
    let (mut orders, mut states, mut amounts, mut currencies) = (vec![], vec![], vec![], vec![]);
    let mut kept = vec![];
    for (order, payment) in payments {
        orders.push(order.id.0);
        states.push(payment.as_str());
        amounts.push(order.total.minor());
        currencies.push(order.total.currency().code());
        let keep = keep_orders && payment == Payment::Authorized;
        kept.push(keep.then_some(Json(order)));
    }
    let inserted: Vec<Uuid> = sqlx::query_scalar(
        "insert into payments (order_id, state, amount_minor, currency, placed_order)
         select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::jsonb[])
              as payment (order_id, state, amount_minor, currency, placed_order)
         on conflict (order_id) do nothing
         returning order_id",
    )
    .bind(orders)
    .bind(states)
    .bind(amounts)
    .bind(currencies)
    .bind(kept)
    .fetch_all(tx)
    .await?;
    Ok(inserted.into_iter().map(OrderId).collect())
}

/// The payments of these orders, locked until the transaction ends; an order that has none before
/// is given this one.
pub async fn open<'a>(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (&'a Order, Payment)>,
) -> Result<States<Payment>, Error> {
    let payments: Vec<_> = payments.into_iter().collect();
    let new = insert_with_orders(tx, payments.iter().copied()).await?;
    let orders = payments.iter().map(|(order, _)| order.id);
    let known: Vec<_> = orders.filter(|order| !new.contains(order)).collect();
    let known = if known.is_empty() {
        HashMap::new()
    } else {
        lock(tx, known).await?
    };
    // Of two for the same order, the first was inserted.
    let new = payments
        .iter()
        .rev()
        .map(|(order, payment)| (order.id, *payment));
    Ok(new.chain(known).collect())
}

/// Saves the payments that were changed.
pub async fn save_changed(tx: &mut PgConnection, payments: &States<Payment>) -> Result<(), Error> {
    if payments.changed().next().is_none() {
        return Ok(());
    }
    save(tx, payments.changed()).await
}

/// Up to `limit` orders that have been authorized for `age` with neither capture nor void. The
/// next time for each of them is twice as long, up to 64 times `age`. Other replicas skip them
/// until the transaction ends.
pub async fn tell_again(
    tx: &mut PgConnection,
    age: Duration,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    let age = PgInterval::try_from(age).map_err(Error::Encode)?;
    let orders: Vec<Json<Order>> = sqlx::query_scalar(
        "update payments set told_again = told_again + 1, updated_at = clock_timestamp()
         where order_id = any(array(
             select order_id from payments
             where state = 'authorized' and placed_order is not null
               and updated_at <= statement_timestamp() - $1
               and updated_at <= statement_timestamp() - $1 * power(2, least(told_again, 6))
             order by updated_at
             limit $2
             for update skip locked))
         returning placed_order",
    )
    .bind(age)
    .bind(limit)
    .fetch_all(tx)
    .await?;
    Ok(orders.into_iter().map(|Json(order)| order).collect())
}

/// The orders' payments, locked in the order of their ids until the transaction ends.
pub async fn lock(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<HashMap<OrderId, Payment>, Error> {
    let orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select order_id, state from payments
         where order_id = any($1)
         order by order_id
         for update",
    )
    .bind(orders)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(payment).collect()
}

pub async fn save(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (OrderId, Payment)>,
) -> Result<(), Error> {
    let (orders, states): (Vec<Uuid>, Vec<&str>) = payments
        .into_iter()
        .map(|(order, payment)| (order.0, payment.as_str()))
        .unzip();
    sqlx::query(
        "update payments
         set state = payment.state, updated_at = clock_timestamp(),
             placed_order = case when payment.state = 'authorized' then placed_order end
         from unnest($1::uuid[], $2::text[]) as payment (order_id, state)
         where payments.order_id = payment.order_id",
    )
    .bind(orders)
    .bind(states)
    .execute(tx)
    .await?;
    Ok(())
}

/// Leaves a mark for an order that has no payment: its authorization is to be voided, and a payment
/// that comes later finds the row. Returns `false`, and does nothing, where a payment is there.
///
/// # Errors
/// One that [`is_held`] recognises when another transaction has inserted the payment and is open.
pub async fn insert_tombstone(tx: &mut PgConnection, order: OrderId) -> Result<bool, Error> {
    // Shorter than any wait for a commit may become: the caller has other orders to look at.
    sqlx::query("set local lock_timeout = '1s'")
        .execute(&mut *tx)
        .await?;
    // No order and no amount: `XXX` is ISO 4217's code for no currency.
    let inserted = sqlx::query(
        "insert into payments (order_id, state, amount_minor, currency)
         values ($1, 'void_due', 0, 'XXX')
         on conflict (order_id) do nothing",
    )
    .bind(order.0)
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Whether another transaction held a lock for too long (SQLSTATE 55P03).
pub fn is_held(error: &Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "55P03")
}

/// Writes down what has become of payments that were due: each as it was, and as it is now. Does
/// nothing where another replica was faster.
pub async fn finish(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (OrderId, Payment, Payment)>,
) -> Result<(), Error> {
    // In order of ids, so that two replicas with the same payments never wait in a circle.
    let mut payments: Vec<_> = payments.into_iter().collect();
    payments.sort_by_key(|(order, ..)| *order);
    let (mut orders, mut before, mut after) = (vec![], vec![], vec![]);
    for (order, due, now) in payments {
        orders.push(order.0);
        before.push(due.as_str());
        after.push(now.as_str());
    }
    sqlx::query(
        "update payments set state = finished.after, updated_at = clock_timestamp()
         from unnest($1::uuid[], $2::text[], $3::text[]) as finished (order_id, before, after)
         where payments.order_id = finished.order_id and payments.state = finished.before",
    )
    .bind(orders)
    .bind(before)
    .bind(after)
    .execute(tx)
    .await?;
    Ok(())
}

/// Puts payments that the provider cannot move now behind the others that are due, so that those
/// get their turn.
pub async fn postpone(
    tx: &mut PgConnection,
    delayed: impl IntoIterator<Item = OrderId>,
) -> Result<(), Error> {
    let mut orders: Vec<Uuid> = delayed.into_iter().map(|order| order.0).collect();
    orders.sort();
    sqlx::query(
        "update payments set updated_at = clock_timestamp()
         from unnest($1::uuid[]) as delayed (order_id)
         where payments.order_id = delayed.order_id",
    )
    .bind(orders)
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
    rows.into_iter().map(payment).collect()
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

fn payment((order, state): (Uuid, String)) -> Result<(OrderId, Payment), Error> {
    let payment = row::named("payments.state", &state, Payment::from_name)?;
    Ok((OrderId(order), payment))
}
