//! What Postgres was asked to do, by its own counters.

use sqlx::{PgConnection, Row};

use crate::results::PostgresWork;

/// Running totals of some databases, read through a connection to any of them.
///
/// Commits are counted by database, so a poller elsewhere does not show. The write-ahead log is
/// one for the whole server; nothing else writes to it during a run.
pub async fn work(
    connection: &mut PgConnection,
    databases: &[String],
) -> Result<PostgresWork, sqlx::Error> {
    let commits: i64 = sqlx::query_scalar(
        "select coalesce(sum(xact_commit), 0)::bigint from pg_stat_database
         where datname = any($1)",
    )
    .bind(databases)
    .fetch_one(&mut *connection)
    .await?;
    let wal_bytes: i64 =
        sqlx::query_scalar("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
            .fetch_one(&mut *connection)
            .await?;
    // An extension that may not be there, or not for us to read.
    let statements = sqlx::query(
        "select coalesce(sum(calls), 0)::bigint as calls from pg_stat_statements
         join pg_database on pg_database.oid = dbid
         where datname = any($1)",
    )
    .bind(databases)
    .fetch_one(connection)
    .await
    .and_then(|row| row.try_get::<i64, _>("calls"));
    Ok(PostgresWork {
        statements: statements.ok().map(|calls| calls as u64),
        commits: commits as u64,
        wal_bytes: wal_bytes as u64,
    })
}

/// What was done between two readings.
pub fn between(before: &PostgresWork, after: &PostgresWork) -> PostgresWork {
    PostgresWork {
        statements: after
            .statements
            .zip(before.statements)
            .map(|(after, before)| after.saturating_sub(before)),
        commits: after.commits.saturating_sub(before.commits),
        wal_bytes: after.wal_bytes.saturating_sub(before.wal_bytes),
    }
}
