//! The work of Postgres, by its own counters.

use std::collections::BTreeSet;

use analysis::model::PostgresWork;
use sqlx::{PgConnection, Row};

use crate::audit::{Sources, sources};

/// Connections to every database of an arm, made before anything is measured. Each reads the
/// counters of its own database.
pub struct Meter {
    databases: Vec<Metered>,
}

struct Metered {
    connection: PgConnection,
    /// A server has one write-ahead log for all databases, so one of them reads it.
    counts_log: bool,
}

impl Meter {
    /// # Errors
    /// When a database cannot be reached.
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

    /// The Postgres backends that serve this meter.
    pub async fn backends(&mut self) -> anyhow::Result<Vec<u32>> {
        let mut backends = vec![];
        for one in &mut self.databases {
            backends.push(sources::backend(&mut one.connection).await?);
        }
        Ok(backends)
    }

    /// This meter's own statements between two readings: the last one of the first reading, and
    /// those of the second before the one that counts statements.
    pub fn own_statements(&self) -> u64 {
        let logs = self.databases.iter().filter(|one| one.counts_log).count();
        (2 * self.databases.len() + logs) as u64
    }

    /// Running totals. Counters that the server does not show are `None`.
    ///
    /// # Errors
    /// When a connection is lost.
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
    /// Begin and commit count as statements: each is a round trip. `None` where the extension is
    /// not loaded, or may not be read.
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

/// The work between two readings without the harness's own statements, each of which is a
/// transaction.
pub fn between(before: &PostgresWork, after: &PostgresWork, ours: u64) -> PostgresWork {
    let both = after.statements.zip(before.statements);
    PostgresWork {
        statements: both.map(|(after, before)| after.saturating_sub(before + ours)),
        commits: after.commits.saturating_sub(before.commits + ours),
        wal_bytes: after.wal_bytes.saturating_sub(before.wal_bytes),
    }
}
