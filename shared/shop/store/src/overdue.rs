//! Orders of the order context that are overdue: placed long ago and without an end, or with a wish
//! to cancel that nobody answered. A table of its own holds the few that a look has found.

use std::time::Duration;

use domain::OrderId;
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// How far a look goes back behind the end of the last one: what a transaction that places an order
/// may take, and what the clocks of two replicas may differ by.
const OVERLAP: Duration = Duration::from_secs(20);

/// Finds orders that are older than `age` and have no end, and puts them among the overdue.
/// Does nothing while another replica does it.
pub async fn find_unended(tx: &mut PgConnection, age: Duration) -> Result<(), Error> {
    let Some((from, to)) = next_look(tx, "placed", age).await? else {
        return Ok(());
    };
    // Ids begin with the time at which they were made, so the primary key finds them.
    sqlx::query(
        "insert into overdue_orders (order_id, look_at)
         select id, clock_timestamp() from orders
         where id between $1 and $2 and not exists (
             select from order_facts
             where order_id = id and fact in ('payment_declined', 'stock_rejected', 'dispatched',
                                              'shipment_cancelled'))
         on conflict do nothing",
    )
    .bind(first_id_of(from))
    .bind(first_id_of(to))
    .execute(&mut *tx)
    .await?;
    looked(tx, "placed", to).await
}

/// Finds wishes to cancel that are older than `age` and were neither done nor refused, and puts
/// their orders among the overdue. Does nothing while another replica does it.
pub async fn find_unanswered(tx: &mut PgConnection, age: Duration) -> Result<(), Error> {
    let Some((from, to)) = next_look(tx, "cancel_requested", age).await? else {
        return Ok(());
    };
    sqlx::query(
        "insert into overdue_orders (order_id, look_at)
         select order_id, clock_timestamp() from order_facts as asked
         where fact = 'cancel_requested' and at between $1 and $2 and not exists (
             select from order_facts as answer
             where answer.order_id = asked.order_id
               and answer.fact in ('shipment_cancelled', 'cancel_refused'))
         on conflict (order_id) do update set look_at = excluded.look_at, looks = 0
         where overdue_orders.look_at > clock_timestamp() + $3",
    )
    .bind(from)
    .bind(to)
    .bind(interval(age)?)
    .execute(&mut *tx)
    .await?;
    looked(tx, "cancel_requested", to).await
}

/// Up to `limit` overdue orders that are to be looked at now, each with how often that was done.
/// They stay locked, and other replicas skip them, until the transaction ends.
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
        .map(|(order, looks)| (OrderId(order), looks.unsigned_abs()))
        .collect())
}

/// Notes when to look at the orders again; those without a time are overdue no longer.
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

/// From when until when to look; `None` while another replica looks.
async fn next_look(
    tx: &mut PgConnection,
    what: &str,
    age: Duration,
) -> Result<Option<(OffsetDateTime, OffsetDateTime)>, Error> {
    let (age, overlap) = (interval(age)?, interval(OVERLAP)?);
    sqlx::query_as(
        "select looked_until - $2, greatest(looked_until, clock_timestamp() - $3)
         from overdue_looks
         where what = $1
         for update skip locked",
    )
    .bind(what)
    .bind(overlap)
    .bind(age)
    .fetch_optional(tx)
    .await
}

async fn looked(tx: &mut PgConnection, what: &str, until: OffsetDateTime) -> Result<(), Error> {
    sqlx::query("update overdue_looks set looked_until = $2 where what = $1")
        .bind(what)
        .bind(until)
        .execute(tx)
        .await?;
    Ok(())
}

/// The lowest UUIDv7 of its millisecond, or of the year 1970 for what is before.
fn first_id_of(time: OffsetDateTime) -> Uuid {
    let millis = time.unix_timestamp_nanos() / 1_000_000;
    Uuid::from_u128((millis.max(0) as u128) << 80)
}

fn interval(time: Duration) -> Result<PgInterval, Error> {
    PgInterval::try_from(time).map_err(Error::Encode)
}
