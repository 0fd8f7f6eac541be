//! The outbox of a database, as the page and the audit see it.

use sqlx::PgConnection;

/// Whether this database has one.
pub(crate) async fn exists(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let exists = "select to_regclass('outbox') is not null";
    sqlx::query_scalar(exists).fetch_one(connection).await
}

/// The rows that should be sent by now. A row with a later time waits on purpose.
pub(crate) async fn waiting(connection: &mut PgConnection) -> sqlx::Result<u64> {
    let waiting = "select count(*) from outbox where due_at is null or due_at <= now()";
    let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(connection).await?;
    Ok(waiting as u64)
}
