//! The insert of all messages of a transaction, by one statement.

use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Row, order};
use crate::Error;
use crate::envelope::Outgoing;

/// How long polls leave rows to the process that wrote them and sends them directly: 10 s.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// Inserts all rows by one statement, and returns them with their positions. No poll sends them
/// before `lease` ends, or before the part of their delay that is spent here ends.
pub(crate) fn insert(
    tx: &mut PgConnection,
    rows: Vec<Row>,
    lease: Duration,
) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
    insert_all(tx, rows, lease).boxed()
}

async fn insert_all(
    tx: &mut PgConnection,
    mut rows: Vec<Row>,
    lease: Duration,
) -> Result<Vec<Row>, Error> {
    if rows.is_empty() {
        return Ok(rows);
    }
    order::lock(tx, &rows).await?;
    let millis = |time: Duration| time.as_millis() as i64;
    let column = |of: fn(&Outgoing) -> &str| -> Vec<&str> {
        rows.iter().map(|row| of(&row.outgoing)).collect()
    };
    let optional = |of: fn(&Outgoing) -> Option<&str>| -> Vec<Option<&str>> {
        rows.iter().map(|row| of(&row.outgoing)).collect()
    };
    let ids: Vec<Uuid> = rows.iter().map(|row| row.outgoing.id).collect();
    let now = SystemTime::now();
    let due: Vec<Option<i64>> = rows
        .iter()
        .map(|row| row.outgoing.due_at)
        .map(|due| due.map(|due| millis(due.duration_since(now).unwrap_or_default())))
        .collect();
    let waits: Vec<i64> = rows
        .iter()
        .map(|row| match row.may_be_sent_directly() {
            true => millis(lease),
            false => millis(row.wait()),
        })
        .collect();

    let inserted = sqlx::query(
        "insert into outbox
             (message_id, queue, kind, body, ordering_key, trace_parent, due_at, send_at)
         select message_id, queue, kind, body, ordering_key, trace_parent,
                now() + due * interval '1 millisecond', now() + wait * interval '1 millisecond'
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::bigint[], $8::bigint[])
             as row (message_id, queue, kind, body, ordering_key, trace_parent, due, wait)
         returning position, message_id",
    )
    .bind(&ids)
    .bind(column(|row| &row.queue))
    .bind(column(|row| &row.kind))
    .bind(column(|row| &row.body))
    .bind(optional(|row| row.ordering_key.as_deref()))
    .bind(optional(|row| row.trace_parent.as_deref()))
    .bind(&due)
    .bind(&waits)
    .fetch_all(tx)
    .await?;
    for (row, inserted) in rows.iter_mut().zip(inserted) {
        debug_assert_eq!(inserted.try_get::<Uuid, _>(1)?, row.outgoing.id);
        row.position = inserted.try_get(0)?;
    }
    Ok(rows)
}
