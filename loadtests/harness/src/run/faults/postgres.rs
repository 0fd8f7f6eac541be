//! Faults of Postgres.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::Connection;
use tokio::time::{Instant, sleep};

use crate::audit::sources;
use crate::deployment::Deployment;
use crate::measure::processes::Processes;

/// The time between two ends of all connections.
const BETWEEN_CUTS: Duration = Duration::from_millis(500);

/// Sends a signal to every process of the servers.
pub(super) fn signal(deployment: &Deployment, signal: &str) -> anyhow::Result<()> {
    let processes = Processes::now()?;
    let servers = deployment.postgres_pids.iter();
    let pids = servers.flat_map(|server| processes.tree(*server));
    let pids: Vec<String> = pids.map(|pid| pid.to_string()).collect();
    if pids.is_empty() {
        bail!("this Postgres was not started here, so it cannot be paused");
    }
    // A backend may have ended in the meantime.
    Command::new("kill")
        .arg("-s")
        .arg(signal)
        .args(pids)
        .status()?;
    Ok(())
}

/// Kills a backend, after which Postgres ends all others and recovers from its log. Then ends all
/// connections of the shop again and again.
pub(super) async fn crash(deployment: &Deployment, length: Duration) -> anyhow::Result<()> {
    let end = Instant::now() + length;
    let database = deployment
        .databases
        .values()
        .next()
        .context("there is no database")?;
    let mut victim = sources::connect(&database.url).await?;
    let pid = sources::backend(&mut victim).await?;
    Command::new("kill")
        .args(["-s", "KILL", &pid.to_string()])
        .status()?;
    while Instant::now() < end {
        sleep(BETWEEN_CUTS).await;
        for database in deployment.databases.values() {
            // While it recovers, nothing can connect.
            let Ok(mut connection) = sources::connect(&database.url).await else {
                continue;
            };
            let cut = "select pg_terminate_backend(pid) from pg_stat_activity
                       where datname = current_database() and pid <> pg_backend_pid()";
            let _ = sqlx::query(cut).execute(&mut connection).await;
            let _ = connection.close().await;
        }
    }
    Ok(())
}
