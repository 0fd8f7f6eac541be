//! `cargo compare idle`: what each process needs to be there and do nothing.

use std::process::ExitCode;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio_util::sync::CancellationToken;

use crate::arms::binaries::Binaries;
use crate::arms::{Arm, Deployment, Surroundings, described};
use crate::asked::{defaults, postgres, storage};
use crate::cli::DeploymentOptions;
use crate::measure::processes::{Processes, peak_memory_bytes};
use crate::output::Output;
use crate::up::as_for_people;

/// What a start leaves to be done, such as the first look at every queue, is over by then.
const SETTLE: Duration = Duration::from_secs(2);
const WATCHED: Duration = Duration::from_secs(10);

/// Prints a table for each arm, or less if it is told to stop.
pub fn idle<'a>(
    options: &'a DeploymentOptions,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    run(options, stop).boxed_local()
}

async fn run(options: &DeploymentOptions, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let arms: Vec<Arm> = options.arms.0.iter().map(|(arm, _)| *arm).collect();
    let settings = defaults(options)?;
    let binaries = Binaries::build(&arms)?;
    let logs = Output::create()?.logs();
    let around = Surroundings::start(binaries, storage(options), postgres(options), logs).await?;

    for (arm, label) in &options.arms.0 {
        let wanted = as_for_people(*arm, label, &settings);
        let deployment = Deployment::start(&around, &wanted).await?;
        let watched = stop.run_until_cancelled(watch(&deployment)).await;
        match watched.transpose()? {
            Some(table) => println!("\n{}, left alone for 10 s\n{table}", described(label)),
            None => stop.cancel(),
        }
        deployment.remove(&around).await?;
        if stop.is_cancelled() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn watch(deployment: &Deployment) -> anyhow::Result<String> {
    tokio::time::sleep(SETTLE).await;
    let before = Processes::now()?;
    tokio::time::sleep(WATCHED).await;
    let after = Processes::now()?;

    let mut table = row(["", "ready after", "CPU of a core", "memory"]);
    let share = |ms: f64| format!("{:.2}%", ms / WATCHED.as_secs_f64() / 10.0);
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

fn row([name, ready, cpu, memory]: [&str; 4]) -> String {
    format!("{name:<20}{ready:>14}{cpu:>16}{memory:>14}\n")
}
