//! The faults of a running deployment: what can be done to each of its parts.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};

use super::arm_deployment::Deployment;
use super::process::Process;
use crate::audit::sources;
use crate::measure::processes::Processes;

/// The time between two ends of all connections.
const BETWEEN_CUTS: Duration = Duration::from_millis(500);
/// How long Postgres may take to recover from a crash, and how often it is tried meanwhile.
const RECOVERY: Duration = Duration::from_secs(20);
const RETRY: Duration = Duration::from_millis(100);

impl Deployment {
    /// The process with this name.
    ///
    /// # Errors
    /// When the arm has no such process.
    pub fn process(&mut self, name: &str) -> anyhow::Result<&mut Process> {
        let process = self.processes.iter_mut().find(|one| one.name == name);
        process.with_context(|| format!("no process is called {name}"))
    }

    /// Changes the payment provider's behaviour. What is left out of it is normal.
    ///
    /// # Errors
    /// When it does not answer, or refuses a value.
    pub async fn set_provider(
        &self,
        http: &reqwest::Client,
        behaviour: &Value,
    ) -> anyhow::Result<()> {
        let url = format!("{}/behaviour", self.provider.process.url);
        put(http, &url, behaviour).await
    }

    /// Changes the faults of the queue server. What is left out of them is off.
    ///
    /// # Errors
    /// When the arm has none, or it does not answer, or refuses a value.
    pub async fn set_queues(&self, http: &reqwest::Client, faults: &Value) -> anyhow::Result<()> {
        let queues = self.queues.as_ref().context("the arm has no queues")?;
        let url = format!("{}/control/misbehaviour", queues.process.url);
        put(http, &url, faults).await
    }

    /// Sends a signal to every process of the servers.
    ///
    /// # Errors
    /// When the servers were not started here.
    pub fn signal_postgres(&self, signal: &str) -> anyhow::Result<()> {
        let processes = Processes::now()?;
        let servers = self.postgres_pids.iter();
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

    /// Kills a backend, after which Postgres ends all others and recovers from its log. Then ends
    /// all connections of the shop again and again for this long.
    ///
    /// # Errors
    /// When there is no database, or no connection to it.
    pub async fn crash_postgres(&self, length: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + length;
        let database = self.databases.values().next();
        let database = database.context("there is no database")?;
        let (pid, _victim) = new_backend(&database.url).await?;
        Command::new("kill")
            .args(["-s", "KILL", &pid.to_string()])
            .status()?;
        while Instant::now() < end {
            sleep(BETWEEN_CUTS).await;
            for database in self.databases.values() {
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
}

/// A backend and its connection. A server that recovers from another crash is waited for.
async fn new_backend(url: &str) -> anyhow::Result<(u32, PgConnection)> {
    let deadline = Instant::now() + RECOVERY;
    let try_once = async || {
        let mut connection = sources::connect(url).await?;
        let pid = sources::backend(&mut connection).await?;
        anyhow::Ok((pid, connection))
    };
    loop {
        match try_once().await {
            Err(_) if Instant::now() < deadline => sleep(RETRY).await,
            connected => return connected,
        }
    }
}

async fn put(http: &reqwest::Client, url: &str, body: &Value) -> anyhow::Result<()> {
    let answer = http.put(url).json(body).send().await?;
    let status = answer.status();
    if !status.is_success() {
        bail!("{url} answered {status}: {}", answer.text().await?);
    }
    Ok(())
}
