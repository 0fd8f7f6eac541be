//! What Postgres was asked to do, by its own counters.

use std::collections::BTreeSet;

use sqlx::{PgConnection, Row};

use crate::audit::{Sources, sources};
use crate::results::PostgresWork;

/// Connections to every database of an arm, made before anything is measured: each counts its own,
/// wherever it is.
pub struct Meter {
    databases: Vec<Metered>,
}

struct Metered {
    connection: PgConnection,
    /// The write-ahead log is one for a whole server, so one of its databases counts it.
    counts_log: bool,
}

impl Meter {
    pub async fn open(sources: &Sources) -> anyhow::Result<Meter> {
        let mut servers = BTreeSet::new();
        let mut databases = vec![];
        for url in sources.distinct() {
            let mut connection = sources::connect(url).await?;
            let server: String = sqlx::query_scalar(
                "select concat_ws(' ', inet_server_addr(), inet_server_port(),
                                  pg_postmaster_start_time())",
            )
            .fetch_one(&mut connection)
            .await?;
            let counts_log = servers.insert(server);
            databases.push(Metered {
                connection,
                counts_log,
            });
        }
        Ok(Meter { databases })
    }

    /// The processes of the servers that serve us.
    pub async fn backends(&mut self) -> anyhow::Result<Vec<u32>> {
        let mut backends = vec![];
        for one in &mut self.databases {
            backends.push(sources::backend(&mut one.connection).await?);
        }
        Ok(backends)
    }

    /// Statements of our own between two readings: the last of the first, and what the second
    /// asks before it asks for their number.
    pub fn own_statements(&self) -> u64 {
        let logs = self.databases.iter().filter(|one| one.counts_log).count();
        (2 * self.databases.len() + logs) as u64
    }

    /// Running totals. What a server does not let us read is None, or counts for nothing.
    pub async fn read(&mut self) -> Result<PostgresWork, sqlx::Error> {
        let mut work = PostgresWork {
            statements: Some(0),
            ..PostgresWork::default()
        };
        for one in &mut self.databases {
            let commits: i64 = sqlx::query_scalar(
                "select xact_commit from pg_stat_database where datname = current_database()",
            )
            .fetch_one(&mut one.connection)
            .await?;
            work.commits += commits as u64;
            if one.counts_log {
                let written: i64 = sqlx::query_scalar(
                    "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint",
                )
                .fetch_one(&mut one.connection)
                .await?;
                work.wal_bytes += written as u64;
            }
            work.statements = work.statements.zip(one.statements().await).map(sum);
        }
        Ok(work)
    }
}

impl Metered {
    /// Begin and commit count as statements: each is a way to the server and back. The extension
    /// may not be there, or not for us to read.
    async fn statements(&mut self) -> Option<u64> {
        let calls = sqlx::query(
            "select coalesce(sum(calls), 0)::bigint as calls from pg_stat_statements
             join pg_database on pg_database.oid = dbid
             where datname = current_database()",
        )
        .fetch_one(&mut self.connection)
        .await
        .and_then(|row| row.try_get::<i64, _>("calls"));
        calls.ok().map(|calls| calls as u64)
    }
}

fn sum((one, other): (u64, u64)) -> u64 {
    one + other
}

/// What was done between two readings, but for the harness's own statements, each of which is a
/// transaction of its own.
pub fn between(before: &PostgresWork, after: &PostgresWork, ours: u64) -> PostgresWork {
    let both = after.statements.zip(before.statements);
    PostgresWork {
        statements: both.map(|(after, before)| after.saturating_sub(before + ours)),
        commits: after.commits.saturating_sub(before.commits + ours),
        wal_bytes: after.wal_bytes.saturating_sub(before.wal_bytes),
    }
}
