//! Locks that keep the order of messages with one ordering key across transactions.
//!
//! The relay sends messages by their position in the table. A row gets it when it is inserted, and
//! not when its transaction commits. So a transaction locks its keys before it inserts, until it
//! ends. Another one that pushes the same key waits, gets a later position and commits later. So
//! the order is that of the commits, and no relay sees a row before an earlier one of its key.
//!
//! This costs a round trip per transaction that pushes a key, and transactions of one key commit
//! one after the other.

use sqlx::PgConnection;

use super::Row;
use crate::Error;

/// Locks keys in the order of their numbers, so that transactions do not deadlock. Two keys with
/// the same number share a lock, which only costs a wait.
const LOCK: &str = "
    select pg_advisory_xact_lock(number) from (
        select distinct hashtextextended(key, 'outbox'::regclass::oid::bigint) as number
        from unnest($1::text[]) as key
        order by number) as locks";

/// Waits until no other transaction holds the locks of the same keys, and locks them.
pub(super) async fn lock(tx: &mut PgConnection, rows: &[Row]) -> Result<(), Error> {
    let keys = rows.iter().filter_map(|row| {
        let message = &row.outgoing;
        let key = message.ordering_key.as_deref()?;
        // Queue names contain no blanks.
        Some(format!("{} {key}", message.queue))
    });
    let keys: Vec<_> = keys.collect();
    if !keys.is_empty() {
        sqlx::query(LOCK).bind(&keys).execute(tx).await?;
    }
    Ok(())
}
