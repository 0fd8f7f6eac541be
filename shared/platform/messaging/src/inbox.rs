//! The inbox: which messages have had their effect already.
//!
//! A queue delivers at least once. The id of each message is written down in the very transaction
//! that has its effect, so a second delivery finds it there and changes nothing.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

/// How long ids are kept. A message can come again for as long as a queue keeps it, which is 14
/// days at most (an SQS quota), and once more from its dead letters.
pub const RETENTION: Duration = Duration::from_secs(29 * 24 * 60 * 60);

/// Rows that one statement of [`prune`] deletes, so that it holds no lock for long.
const PRUNED_AT_ONCE: i64 = 5_000;

/// Notes messages of `queue` as handled, and tells which of them had not been.
///
/// If another transaction is handling one of them right now, this waits for how that ends.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    queue: &str,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    // In order of ids, so that two transactions with the same messages cannot wait for each other.
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let new: Vec<Uuid> = sqlx::query_scalar(
        "insert into inbox (message_id, queue)
         select message_id, $2 from unnest($1::uuid[]) as message_id
         on conflict do nothing
         returning message_id",
    )
    .bind(&sorted)
    .bind(queue)
    .fetch_all(tx)
    .await?;
    Ok(new.into_iter().collect())
}

/// Forgets messages older than `retention`. Returns how many; call again while it is not 0.
pub async fn prune(connection: &mut PgConnection, retention: Duration) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query(
        "delete from inbox where ctid = any(array(
             select ctid from inbox
             where received_at < now() - $1 * interval '1 second'
             limit $2 for update skip locked))",
    )
    .bind(retention.as_secs_f64())
    .bind(PRUNED_AT_ONCE)
    .execute(connection)
    .await?;
    Ok(pruned.rows_affected())
}
