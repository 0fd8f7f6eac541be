//! The inbox: the ids of messages that have had their effect.
//!
//! A queue delivers at least once. The transaction that has the effect of a message also records
//! its id, so a second delivery finds the id and changes nothing.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

/// How long ids are kept: 29 days. A message can be delivered again for as long as a queue keeps
/// it, at most 14 days (an SQS quota), and for another 14 days from its dead letters.
pub const RETENTION: Duration = Duration::from_secs(29 * 24 * 60 * 60);

/// Maximum rows per statement of [`prune`], so that it holds locks for a short time.
const PRUNE_BATCH: i64 = 5_000;

/// Records messages of `queue` as handled, and returns those that were not recorded before.
///
/// If another transaction is handling one of them, this waits until that transaction ends.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    queue: &str,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    // Sorted, so that transactions with the same messages do not deadlock.
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

/// Deletes up to 5,000 ids that are older than `retention`. Returns their number; call it again
/// until that is 0.
///
/// # Errors
/// When the database fails.
pub async fn prune(connection: &mut PgConnection, retention: Duration) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query(
        "delete from inbox where ctid = any(array(
             select ctid from inbox
             where received_at < now() - $1 * interval '1 second'
             limit $2 for update skip locked))",
    )
    .bind(retention.as_secs_f64())
    .bind(PRUNE_BATCH)
    .execute(connection)
    .await?;
    Ok(pruned.rows_affected())
}
