//! Orders of the order context that are checked again: those that were placed long ago and have not
//! ended, and those with a request to cancel. A separate table holds these few.

use std::time::Duration;

use domain::OrderId;
use sqlx::{Error, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row::interval;

/// How far a scan goes back before the end of the last one: longer than a transaction that places
/// an order may take, plus the clock difference between two replicas.
const OVERLAP: Duration = Duration::from_secs(20);

/// Marks orders as overdue that are older than `age` and have not ended. Does nothing while another
/// replica scans.
///
/// # Errors
/// When the database fails.
pub async fn find_unended(tx: &mut PgConnection, age: Duration) -> Result<(), Error> {
    let Some((from, to)) = next_scan(tx, age).await? else {
        return Ok(());
    };
    // An id begins with the time of its creation, so the primary key serves as the index.
    sqlx::query(
        "insert into overdue_orders (order_id, look_at)
         select id, clock_timestamp() from orders
         where id between $1 and $2 and not exists (
             select from order_facts
             where order_id = id and fact in ('payment_declined', 'stock_rejected', 'dispatched',
                                              'shipment_cancelled'))
         order by id
         on conflict do nothing",
    )
    .bind(first_id_of(from))
    .bind(first_id_of(to))
    .execute(&mut *tx)
    .await?;
    scanned(tx, to).await
}

/// Marks orders to be checked after `wait`, or earlier if they are marked so already. Called before
/// the fact that is to be answered is recorded: the other way, two transactions could deadlock.
///
/// # Errors
/// When the database fails.
pub async fn check_after(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
    wait: Duration,
) -> Result<(), Error> {
    let mut orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    if orders.is_empty() {
        return Ok(());
    }
    orders.sort();
    orders.dedup();
    sqlx::query(
        "insert into overdue_orders (order_id, look_at)
         select order_id, clock_timestamp() + $2 from unnest($1::uuid[]) as marked (order_id)
         on conflict (order_id) do update
         set look_at = least(overdue_orders.look_at, excluded.look_at), looks = 0",
    )
    .bind(orders)
    .bind(interval(wait)?)
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks up to `limit` overdue orders that are due to be checked. Each has the number of checks so
/// far. Other replicas skip them until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut PgConnection, limit: i64) -> Result<Vec<(OrderId, u32)>, Error> {
    let due: Vec<(Uuid, i32)> = sqlx::query_as(
        "select order_id, looks from overdue_orders
         where look_at <= statement_timestamp()
         order by look_at
         limit $1
         for update skip locked",
    )
    .bind(limit)
    .fetch_all(tx)
    .await?;
    let due = due.into_iter();
    Ok(due
        .map(|(order, checks)| (OrderId(order), checks.unsigned_abs()))
        .collect())
}

/// Saves after which time each order is to be checked again. An order without a time is no longer
/// overdue.
///
/// # Errors
/// When the database fails.
pub async fn save(
    tx: &mut PgConnection,
    orders: impl IntoIterator<Item = (OrderId, Option<Duration>)>,
) -> Result<(), Error> {
    let (orders, waits): (Vec<Uuid>, Vec<Option<f64>>) = orders
        .into_iter()
        .map(|(order, wait)| (order.0, wait.map(|wait| wait.as_secs_f64())))
        .unzip();
    sqlx::query(
        "with next as (
             select * from unnest($1::uuid[], $2::float8[]) as next (order_id, wait)
         ), ended as (
             delete from overdue_orders
             where order_id in (select order_id from next where wait is null)
         )
         update overdue_orders
         set look_at = clock_timestamp() + wait * interval '1 second', looks = looks + 1
         from next
         where overdue_orders.order_id = next.order_id and wait is not null",
    )
    .bind(orders)
    .bind(waits)
    .execute(tx)
    .await?;
    Ok(())
}

/// The time range of the next scan. `None` while another replica scans.
async fn next_scan(
    tx: &mut PgConnection,
    age: Duration,
) -> Result<Option<(OffsetDateTime, OffsetDateTime)>, Error> {
    let (age, overlap) = (interval(age)?, interval(OVERLAP)?);
    sqlx::query_as(
        "select looked_until - $1, greatest(looked_until, clock_timestamp() - $2)
         from overdue_looks
         where what = 'placed'
         for update skip locked",
    )
    .bind(overlap)
    .bind(age)
    .fetch_optional(tx)
    .await
}

async fn scanned(tx: &mut PgConnection, until: OffsetDateTime) -> Result<(), Error> {
    sqlx::query("update overdue_looks set looked_until = $1 where what = 'placed'")
        .bind(until)
        .execute(tx)
        .await?;
    Ok(())
}

/// The lowest UUIDv7 of its millisecond. A time before 1970 counts as 1970.
fn first_id_of(time: OffsetDateTime) -> Uuid {
    let millis = time.unix_timestamp_nanos() / 1_000_000;
    Uuid::from_u128((millis.max(0) as u128) << 80)
}
