//! Makes a fault happen in a running deployment, and heals it.

use std::process::Command;
use std::time::Duration;

use analysis::model::{Arm, Fault, FaultCase};
use anyhow::{Context, bail};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::IndexedMutRandom;
use serde_json::{Value, json};
use sqlx::Connection;
use tokio::time::{Instant, interval_at, sleep};

use crate::audit::sources;
use crate::deployment::process::Process;
use crate::deployment::{Deployment, Infrastructure};
use crate::measure::processes::Processes;

/// The time between two kills of random processes.
const BETWEEN_KILLS: Duration = Duration::from_secs(3);
/// How long each of them is dead.
const DEAD_FOR: Duration = Duration::from_secs(1);
/// The time between two ends of all connections.
const BETWEEN_CUTS: Duration = Duration::from_millis(500);

/// Makes the fault happen, lets it last, and heals it. Returns when all parts are ready again.
///
/// # Errors
/// When a part cannot be reached, or does not come back.
pub(super) async fn inject(
    infrastructure: &Infrastructure,
    deployment: &mut Deployment,
    case: &FaultCase,
    seed: u64,
) -> anyhow::Result<()> {
    let http = &infrastructure.http;
    let length = Duration::from_secs(case.fault.length_s());
    match case.fault {
        Fault::Kill => {
            let process = process(deployment, &case.part)?;
            process.signal("KILL")?;
            process.ended().await?;
            sleep(length).await;
            process.start_again().await?;
            process.ready(http).await
        }
        Fault::KillAll => {
            for process in &deployment.processes {
                process.signal("KILL")?;
            }
            for process in &mut deployment.processes {
                process.ended().await?;
            }
            sleep(length).await;
            for process in &mut deployment.processes {
                process.start_again().await?;
                process.ready(http).await?;
            }
            Ok(())
        }
        Fault::ProviderHangs => provider(deployment, http, json!({"hang_rate": 1.0}), length).await,
        Fault::ProviderFails => {
            let behaviour = json!({"error_rate": 0.3, "latency_ms": 2_000});
            provider(deployment, http, behaviour, length).await
        }
        Fault::Pause if case.arm == Arm::Monolith => {
            signal_postgres(deployment, "STOP")?;
            sleep(length).await;
            signal_postgres(deployment, "CONT")
        }
        Fault::Pause => sqs(deployment, http, json!({"paused": true}), length).await,
        Fault::PostgresCrash => crash_postgres(deployment, length).await,
        Fault::SqsMisbehaves => {
            let faults = json!({
                "duplicates": 0.05, "reorder": 0.5, "errors": 0.02, "throttle_entries": 0.02,
                "latency": {"p50_ms": 20.0, "p99_ms": 60.0},
            });
            sqs(deployment, http, faults, length).await
        }
        Fault::RollingRestart => {
            for process in &mut deployment.processes {
                process.signal("TERM")?;
                process.ended().await?;
                process.start_again().await?;
                process.ready(http).await?;
            }
            Ok(())
        }
        Fault::Freeze => {
            let process = process(deployment, &case.part)?;
            process.signal("STOP")?;
            sleep(length).await;
            process.signal("CONT")?;
            process.ready(http).await
        }
        Fault::RandomKills => {
            let mut random = SmallRng::seed_from_u64(seed);
            let begin = Instant::now();
            let mut kills = interval_at(begin, BETWEEN_KILLS);
            while kills.tick().await < begin + length {
                let processes = &mut deployment.processes;
                let process = processes.choose_mut(&mut random);
                let process = process.context("the arm has no process")?;
                process.signal("KILL")?;
                process.ended().await?;
                sleep(DEAD_FOR).await;
                process.start_again().await?;
                process.ready(http).await?;
            }
            Ok(())
        }
        Fault::QueuesLost => {
            let queues = deployment
                .queues
                .as_mut()
                .context("the arm has no queues")?;
            queues.process.signal("KILL")?;
            queues.process.ended().await?;
            sleep(length).await;
            queues.process.start_again().await
        }
    }
}

fn process<'a>(deployment: &'a mut Deployment, name: &str) -> anyhow::Result<&'a mut Process> {
    let mut processes = deployment.processes.iter_mut();
    let process = processes.find(|one| one.name == name);
    process.with_context(|| format!("no process is called {name}"))
}

/// Changes the provider's behaviour for some time.
async fn provider(
    deployment: &Deployment,
    http: &reqwest::Client,
    behaviour: Value,
    length: Duration,
) -> anyhow::Result<()> {
    let url = format!("{}/behaviour", deployment.provider.process.url);
    put(http, &url, &behaviour).await?;
    sleep(length).await;
    put(http, &url, &json!({})).await
}

/// Changes the queue server's behaviour for some time.
async fn sqs(
    deployment: &Deployment,
    http: &reqwest::Client,
    faults: Value,
    length: Duration,
) -> anyhow::Result<()> {
    let queues = deployment
        .queues
        .as_ref()
        .context("the arm has no queues")?;
    let url = format!("{}/control/misbehaviour", queues.process.url);
    put(http, &url, &faults).await?;
    sleep(length).await;
    put(http, &url, &json!({})).await
}

async fn put(http: &reqwest::Client, url: &str, body: &Value) -> anyhow::Result<()> {
    let answer = http.put(url).json(body).send().await?;
    answer.error_for_status()?;
    Ok(())
}

/// Sends a signal to every process of the servers.
fn signal_postgres(deployment: &Deployment, signal: &str) -> anyhow::Result<()> {
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
async fn crash_postgres(deployment: &Deployment, length: Duration) -> anyhow::Result<()> {
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
