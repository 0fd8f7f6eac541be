//! The order of messages with one ordering key, across transactions.
//!
//! The relay sends them by their position in the table, which a row gets when it is inserted and
//! not when its transaction commits. So a transaction locks its keys before it inserts, until its
//! end: another that pushes the same key waits, gets the later position, and commits later. The
//! order is that of the commits, and no relay sees a row before an earlier one of its key.
//!
//! The price is a round trip for transactions that push a key, and those of one key commit one
//! after the other.

use sqlx::PgConnection;

use super::Row;
use crate::Error;

/// In the order of the locks' numbers, so that no two transactions wait for each other. Numbers
/// may coincide; then two keys share a lock, which costs a wait.
const LOCK: &str = "
    select pg_advisory_xact_lock(number) from (
        select distinct hashtextextended(key, 'outbox'::regclass::oid::bigint) as number
        from unnest($1::text[]) as key
        order by number) as locks";

/// Waits until no other transaction is about to commit messages of the same keys.
pub(super) async fn lock(tx: &mut PgConnection, rows: &[Row]) -> Result<(), Error> {
    let keys = rows.iter().filter_map(|row| {
        let message = &row.outgoing;
        let key = message.ordering_key.as_deref()?;
        // No name of a queue has a blank.
        Some(format!("{} {key}", message.queue))
    });
    let keys: Vec<_> = keys.collect();
    if !keys.is_empty() {
        sqlx::query(LOCK).bind(&keys).execute(tx).await?;
    }
    Ok(())
}
