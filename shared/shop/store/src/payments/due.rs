//! Payments for which a call to the provider is due.

use domain::{OrderId, Payment};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::row;

/// Finds up to `limit` payments for which a call to the provider is due, oldest first. Locks
/// nothing: the provider is called outside of every transaction, and idempotently.
///
/// # Errors
/// When the database fails, or a row holds a state that this version does not know.
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
    let payment = |found| row::state("payments.state", found, Payment::from_name);
    rows.into_iter().map(payment).collect()
}

/// Saves payments after the provider has answered: each with the state that was due and the new
/// one. A payment that another replica has changed in the meantime stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn finish(
    tx: &mut PgConnection,
    payments: impl IntoIterator<Item = (OrderId, Payment, Payment)>,
) -> Result<(), Error> {
    // In the order of ids, so that two replicas never deadlock.
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

/// Moves payments behind all others that are due, because the provider cannot process them now.
///
/// # Errors
/// When the database fails.
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
