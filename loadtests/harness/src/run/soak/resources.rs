//! What an arm holds when no work is left.

use std::collections::BTreeMap;

use analysis::model::Resources;
use sqlx::{Connection, PgConnection};

use crate::audit::sources;
use crate::deployment::Deployment;
use crate::measure::processes::{descriptors, memory_bytes};

/// The tables that are emptied when no work is left.
const EMPTIED: &str = "outbox|overdue.*|.*_due";

/// Reads it from the operating system, the databases and the queue server.
///
/// # Errors
/// When a database or the queue server cannot be read.
pub(super) async fn read(deployment: &Deployment) -> anyhow::Result<Resources> {
    let mut resources = Resources::default();
    for process in &deployment.processes {
        let (name, pid) = (&process.name, process.pid());
        if let Some(bytes) = memory_bytes(pid) {
            resources.memory.insert(name.clone(), bytes);
        }
        if let Some(count) = descriptors(pid) {
            resources.descriptors.insert(name.clone(), count);
        }
    }
    for (context, database) in &deployment.databases {
        let mut connection = sources::connect(&database.url).await?;
        let size: i64 = sqlx::query_scalar("select pg_database_size(current_database())")
            .fetch_one(&mut connection)
            .await?;
        resources
            .databases
            .insert(database.name.clone(), size as u64);
        for (table, rows) in rows(&mut connection).await? {
            resources.rows.insert(format!("{context}.{table}"), rows);
        }
        connection.close().await?;
    }
    if let Some(queues) = &deployment.queues {
        let depths = queues.server.depths().await?.into_iter();
        let depths = depths.map(|(name, depth)| (name, depth.present + depth.delayed));
        resources.messages = depths.collect();
    }
    Ok(resources)
}

/// The rows of the tables that are emptied.
async fn rows(connection: &mut PgConnection) -> anyhow::Result<BTreeMap<String, u64>> {
    let tables = "select relname::text from pg_class
                  where relkind = 'r' and relnamespace = 'public'::regnamespace
                    and relname ~ ('^(' || $1 || ')$')";
    let tables: Vec<String> = sqlx::query_scalar(tables)
        .bind(EMPTIED)
        .fetch_all(&mut *connection)
        .await?;
    let mut rows = BTreeMap::new();
    for table in tables {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(count)
            .fetch_one(&mut *connection)
            .await?;
        rows.insert(table, count as u64);
    }
    Ok(rows)
}
