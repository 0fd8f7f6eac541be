//! Payments: one per order.

mod due;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::{Order, OrderId, Payment};
use sqlx::types::Json;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::States;
use crate::row::{self, interval};

pub use due::{due, finish, postpone};

/// Inserts the orders' payments. Returns the orders that had no payment before.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (&Order, Payment)>,
) -> Result<HashSet<OrderId>, Error> {
    let columns = Columns::of(payments);
    let inserted: Vec<Uuid> = sqlx::query_scalar(
        "insert into payments (order_id, state, amount_minor, currency)
         select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[])
              as payment (order_id, state, amount_minor, currency)
         on conflict (order_id) do nothing
         returning order_id",
    )
    .bind(columns.orders)
    .bind(columns.states)
    .bind(columns.amounts)
    .bind(columns.currencies)
    .fetch_all(tx)
    .await?;
    Ok(inserted.into_iter().map(OrderId).collect())
}

/// Does the same, and stores the order with each authorized payment, for [`claim_unanswered`].
///
/// # Errors
/// When the database fails.
pub async fn insert_with_orders(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (&Order, Payment)>,
) -> Result<HashSet<OrderId>, Error> {
    let columns = Columns::of(payments);
    let inserted: Vec<Uuid> = sqlx::query_scalar(
        "insert into payments (order_id, state, amount_minor, currency, placed_order)
         select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::jsonb[])
              as payment (order_id, state, amount_minor, currency, placed_order)
         on conflict (order_id) do nothing
         returning order_id",
    )
    .bind(columns.orders)
    .bind(columns.states)
    .bind(columns.amounts)
    .bind(columns.currencies)
    .bind(columns.placed_orders)
    .fetch_all(tx)
    .await?;
    Ok(inserted.into_iter().map(OrderId).collect())
}

/// Payments to insert, one list per column.
#[derive(Default)]
struct Columns<'a> {
    orders: Vec<Uuid>,
    states: Vec<&'static str>,
    amounts: Vec<i64>,
    currencies: Vec<&'static str>,
    /// The orders of authorized payments.
    placed_orders: Vec<Option<Json<&'a Order>>>,
}

impl<'a> Columns<'a> {
    /// In the order of ids, so that two transactions never deadlock. Of two payments for one order,
    /// the first is inserted.
    fn of(payments: impl IntoIterator<Item = (&'a Order, Payment)>) -> Columns<'a> {
        let mut payments: Vec<_> = payments.into_iter().collect();
        payments.sort_by_key(|(order, _)| order.id);
        let mut columns = Columns::default();
        for (order, payment) in payments {
            columns.orders.push(order.id.0);
            columns.states.push(payment.as_str());
            columns.amounts.push(order.total.minor());
            columns.currencies.push(order.total.currency().code());
            let is_authorized = payment == Payment::Authorized;
            columns
                .placed_orders
                .push(is_authorized.then_some(Json(order)));
        }
        columns
    }
}

/// Inserts the payments that are missing, and locks all of them in the order of the orders' ids,
/// until the transaction ends.
///
/// # Errors
/// When the database fails, or a row holds a state that this version does not know.
pub async fn insert_missing_and_lock<'a>(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (&'a Order, Payment)>,
) -> Result<States<Payment>, Error> {
    let payments: Vec<_> = payments.into_iter().collect();
    let inserted = insert_with_orders(tx, payments.iter().copied()).await?;
    let payments = payments.into_iter();
    let states = States::to_insert(payments.map(|(order, payment)| (order.id, payment)));
    let existing = lock(tx, states.existing(&inserted)).await?;
    Ok(states.with(existing))
}

/// Claims up to `limit` orders whose payment has been authorized for `age`, and neither captured
/// nor voided, so that this is published again. The time to the next claim doubles each time, up to
/// 64 times `age`. Other replicas skip them until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn claim_unanswered(
    tx: &mut PgConnection,
    age: Duration,
    limit: i64,
) -> Result<Vec<Order>, Error> {
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
    .bind(interval(age)?)
    .bind(limit)
    .fetch_all(tx)
    .await?;
    Ok(orders.into_iter().map(|Json(order)| order).collect())
}

/// Locks the orders' payments in the order of their ids, until the transaction ends.
///
/// # Errors
/// When the database fails, or a row holds a state that this version does not know.
pub async fn lock(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<HashMap<OrderId, Payment>, Error> {
    let orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select order_id, state from payments
         where order_id = any($1)
         order by order_id
         for update",
    )
    .bind(orders)
    .fetch_all(tx)
    .await?;
    let payment = |found| row::state("payments.state", found, Payment::from_name);
    rows.into_iter().map(payment).collect()
}

/// Saves the payments' states. One that is no longer authorized does not need its stored order.
///
/// # Errors
/// When the database fails.
pub async fn save(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (OrderId, Payment)>,
) -> Result<(), Error> {
    let (orders, states): (Vec<Uuid>, Vec<&str>) = payments
        .into_iter()
        .map(|(order, payment)| (order.0, payment.as_str()))
        .unzip();
    if orders.is_empty() {
        return Ok(());
    }
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

/// Inserts a tombstone for an order that has no payment: the row makes its authorization due to be
/// voided, and blocks a payment that comes later. Returns `false`, and changes nothing, if the
/// order has a payment.
///
/// # Errors
/// When the database fails. [`is_held`] recognizes the error if another transaction has inserted
/// the payment and has not ended.
pub async fn insert_tombstone(tx: &mut PgConnection, order: OrderId) -> Result<bool, Error> {
    // Waits briefly for a transaction that may still commit: the caller has more orders to check.
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

/// Returns those of `orders` that have a payment. An authorization of another order is an orphan.
///
/// # Errors
/// When the database fails.
pub async fn existing(
    connection: &mut PgConnection,
    orders: &[OrderId],
) -> Result<Vec<OrderId>, Error> {
    let orders: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
    let existing: Vec<Uuid> =
        sqlx::query_scalar("select order_id from payments where order_id = any($1)")
            .bind(orders)
            .fetch_all(connection)
            .await?;
    Ok(existing.into_iter().map(OrderId).collect())
}
