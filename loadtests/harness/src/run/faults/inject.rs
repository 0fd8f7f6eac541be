//! Makes a fault happen in a running deployment, and heals it.

use std::time::Duration;

use analysis::model::{Arm, Fault, FaultCase, Rate};
use anyhow::Context;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::IndexedMutRandom;
use serde_json::{Value, json};
use tokio::time::{Instant, interval_at, sleep};

use super::poison;
use crate::deployment::environment::NEW_FIELD;
use crate::deployment::{Deployment, DeploymentSpec, Infrastructure};

/// The time between two kills of random processes.
const BETWEEN_KILLS: Duration = Duration::from_secs(3);
/// How long each of them is dead.
const DEAD_FOR: Duration = Duration::from_secs(1);
/// How long the provider of a slow consumer takes, in milliseconds: a payment service with 64
/// messages in flight then makes 35 payments per second. Callers of the provider give up after 2 s.
const SLOW_MS: u64 = 1_800;
/// The replicas of a slow consumer, half-way.
const REPLICAS: usize = 3;

/// Brings the deployment into the state in which the load finds it.
///
/// # Errors
/// When a process does not end.
pub(super) async fn prepare(deployment: &mut Deployment, case: &FaultCase) -> anyhow::Result<()> {
    if case.fault == Fault::SlowConsumer && case.arm == Arm::Monolith {
        for process in &mut deployment.processes[1..] {
            process.signal("TERM")?;
            process.ended().await?;
        }
    }
    Ok(())
}

/// Makes the fault happen, lets it last, and heals it. Returns when all parts are ready again, with
/// the number of poison messages that were sent.
///
/// # Errors
/// When a part cannot be reached, or does not come back.
pub(super) async fn inject(
    infrastructure: &Infrastructure,
    deployment: &mut Deployment,
    (deployed, case): (&DeploymentSpec, &FaultCase),
    (rate, seed): (Rate, u64),
) -> anyhow::Result<u64> {
    let http = &infrastructure.http;
    let length = Duration::from_secs(case.fault.length_s());
    let mut poisoned = 0;
    match case.fault {
        Fault::Kill => {
            let process = deployment.process(&case.part)?;
            process.kill().await?;
            sleep(length).await;
            process.start_again().await?;
            process.ready(http).await?;
        }
        Fault::KillAll => kill_all(deployment, http, length).await?,
        Fault::ProviderHangs => {
            provider(deployment, http, json!({"hang_rate": 1.0}), length).await?;
        }
        Fault::ProviderFails => {
            let behaviour = json!({"error_rate": 0.3, "latency_ms": 2_000});
            provider(deployment, http, behaviour, length).await?;
        }
        Fault::Pause if case.arm == Arm::Monolith => {
            deployment.signal_postgres("STOP")?;
            sleep(length).await;
            deployment.signal_postgres("CONT")?;
        }
        Fault::Pause => sqs(deployment, http, json!({"paused": true}), length).await?,
        Fault::PostgresCrash => deployment.crash_postgres(length).await?,
        Fault::SqsMisbehaves => {
            let faults = json!({
                "duplicates": 0.05, "reorder": 0.5, "errors": 0.02, "throttle_entries": 0.02,
                "latency": {"p50_ms": 20.0, "p99_ms": 60.0},
            });
            sqs(deployment, http, faults, length).await?;
        }
        Fault::Poison => {
            poisoned = poison::send(infrastructure, deployment, rate, length).await?;
            restart_in_turn(deployment, http, |name| poison::READERS.contains(&name)).await?;
        }
        Fault::SlowConsumer => {
            deployment
                .set_provider(http, &json!({"latency_ms": SLOW_MS}))
                .await?;
            sleep(length / 2).await;
            more_replicas(infrastructure, deployment, deployed, case).await?;
            sleep(length / 2).await;
            deployment.set_provider(http, &json!({})).await?;
        }
        Fault::RollingRestart => restart_in_turn(deployment, http, |_| true).await?,
        Fault::NewVersion => {
            let new_version = DeploymentSpec {
                drill: Some(NEW_FIELD),
                ..deployed.clone()
            };
            let started = deployment.add_replica(infrastructure, &new_version, &case.part);
            started.await?;
            sleep(length).await;
            let old_version = deployment.process(&case.part)?;
            old_version.signal("TERM")?;
            old_version.ended().await?;
        }
        Fault::Freeze => {
            let process = deployment.process(&case.part)?;
            process.signal("STOP")?;
            sleep(length).await;
            process.signal("CONT")?;
            process.ready(http).await?;
        }
        Fault::RandomKills => kill_at_random(deployment, http, length, seed).await?,
        Fault::Overload => sleep(length).await,
        Fault::QueueServerKilled | Fault::QueuesLost => {
            let queues = deployment
                .queues
                .as_mut()
                .context("the arm has no queues")?;
            queues.process.kill().await?;
            sleep(length).await;
            queues.process.start_again().await?;
        }
    }
    Ok(poisoned)
}

/// Kills all processes at once, and starts them again after some time.
async fn kill_all(
    deployment: &mut Deployment,
    http: &reqwest::Client,
    length: Duration,
) -> anyhow::Result<()> {
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

/// Kills one process after another for some time. The seed chooses them.
async fn kill_at_random(
    deployment: &mut Deployment,
    http: &reqwest::Client,
    length: Duration,
    seed: u64,
) -> anyhow::Result<()> {
    let mut random = SmallRng::seed_from_u64(seed);
    let begin = Instant::now();
    let mut kills = interval_at(begin, BETWEEN_KILLS);
    while kills.tick().await < begin + length {
        let process = deployment.processes.choose_mut(&mut random);
        let process = process.context("the arm has no process")?;
        process.kill().await?;
        sleep(DEAD_FOR).await;
        process.start_again().await?;
        process.ready(http).await?;
    }
    Ok(())
}

/// Stops and starts the processes with these names, one after another.
async fn restart_in_turn(
    deployment: &mut Deployment,
    http: &reqwest::Client,
    is_meant: impl Fn(&str) -> bool,
) -> anyhow::Result<()> {
    let processes = deployment.processes.iter_mut();
    for process in processes.filter(|one| is_meant(&one.name)) {
        process.restart(http).await?;
    }
    Ok(())
}

/// Adds replicas of the part: the monolith's stand behind its gateway already, and are stopped.
async fn more_replicas(
    infrastructure: &Infrastructure,
    deployment: &mut Deployment,
    deployed: &DeploymentSpec,
    case: &FaultCase,
) -> anyhow::Result<()> {
    match case.arm {
        Arm::Monolith => {
            for process in &mut deployment.processes[1..] {
                process.start_again().await?;
                process.ready(&infrastructure.http).await?;
            }
        }
        _ => {
            for _ in 1..REPLICAS {
                let added = deployment.add_replica(infrastructure, deployed, &case.part);
                added.await?;
            }
        }
    }
    Ok(())
}

/// Changes the provider's behaviour for some time.
async fn provider(
    deployment: &Deployment,
    http: &reqwest::Client,
    behaviour: Value,
    length: Duration,
) -> anyhow::Result<()> {
    deployment.set_provider(http, &behaviour).await?;
    sleep(length).await;
    deployment.set_provider(http, &json!({})).await
}

/// Changes the queue server's behaviour for some time.
async fn sqs(
    deployment: &Deployment,
    http: &reqwest::Client,
    faults: Value,
    length: Duration,
) -> anyhow::Result<()> {
    deployment.set_queues(http, &faults).await?;
    sleep(length).await;
    deployment.set_queues(http, &json!({})).await
}
