//! `cargo compare idle`: measures what each process uses while it does nothing, after a few logins.

use std::process::ExitCode;
use std::time::Duration;

use analysis::sentences::capitalised;
use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, try_join_all};
use harness::deployment::binaries::Binaries;
use harness::deployment::{Deployment, Infrastructure};
use harness::measure::processes::{Processes, peak_memory_bytes};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::up::spec_to_try;
use crate::cli::DeploymentOptions;
use crate::output::Output;
use crate::settings::{postgres_mode, quick_settings, storage};

/// How long the work after a start takes, such as the first poll of every queue.
const START_UP: Duration = Duration::from_secs(2);
/// How long each process is measured.
const MEASURED: Duration = Duration::from_secs(10);

/// Concurrent logins. After so many, a process that hashes passwords holds all the memory that it
/// needs for that.
const LOGINS: usize = 10;

/// Prints a table for each arm, until it is stopped.
pub fn idle<'a>(
    options: &'a DeploymentOptions,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    run(options, stop).boxed_local()
}

async fn run(options: &DeploymentOptions, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let settings = quick_settings(options)?;
    let binaries = Binaries::build(&options.arms.on_the_dial())?;
    let logs = Output::create()?.logs();
    let infrastructure =
        Infrastructure::start(binaries, storage(options), postgres_mode(options), logs).await?;

    for arm in &options.arms.0 {
        let spec = spec_to_try(arm, &settings)?;
        let deployment = Deployment::start(&infrastructure, &spec).await?;
        let measured = stop.run_until_cancelled(measure(&deployment)).await;
        match measured.transpose()? {
            Some(table) => println!(
                "\n{}, idle for 10 s after {LOGINS} logins\n{table}",
                capitalised(&arm.phrase())
            ),
            None => stop.cancel(),
        }
        deployment.remove(&infrastructure).await?;
        if stop.is_cancelled() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(deployment: &Deployment) -> anyhow::Result<String> {
    log_in(deployment).await?;
    tokio::time::sleep(START_UP).await;
    let before = Processes::now()?;
    tokio::time::sleep(MEASURED).await;
    let after = Processes::now()?;

    let mut table = row(["", "ready after", "CPU of a core", "memory"]);
    let share = |ms: f64| format!("{:.2}%", ms / MEASURED.as_secs_f64() / 10.0);
    for process in &deployment.processes {
        let ready = process.ready_after.unwrap_or_default();
        let memory = peak_memory_bytes(process.pid()).unwrap_or_default();
        let cpu_ms = after.cpu_ms(process.pid()) - before.cpu_ms(process.pid());
        table += &row([
            &process.name,
            &format!("{} ms", ready.as_millis()),
            &share(cpu_ms),
            &format!("{:.1} MiB", memory as f64 / f64::from(1 << 20)),
        ]);
    }
    let servers = deployment.postgres_pids.iter();
    let cpu_ms: f64 = servers
        .map(|pid| after.tree_cpu_ms(*pid) - before.tree_cpu_ms(*pid))
        .sum();
    table += &row(["Postgres", "", &share(cpu_ms), ""]);
    Ok(table)
}

async fn log_in(deployment: &Deployment) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    let post = async |path: &str| {
        let account = json!({ "email": "idle@example.com", "password": "correct horse battery" });
        let request = http.post(format!("{}{path}", deployment.base_urls[0]));
        let answer = request.json(&account).send().await?;
        answer
            .error_for_status()
            .with_context(|| format!("no {path}"))
    };
    post("/auth/register").await?;
    try_join_all((0..LOGINS).map(|_| post("/auth/login"))).await?;
    Ok(())
}

fn row([name, ready, cpu, memory]: [&str; 4]) -> String {
    format!("{name:<20}{ready:>14}{cpu:>16}{memory:>14}\n")
}
