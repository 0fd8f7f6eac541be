//! `cargo compare idle`: what each process needs to be there and do nothing, after it has done
//! everything once.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, try_join_all};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::arms::binaries::Binaries;
use crate::arms::{Arm, Deployment, Surroundings, described};
use crate::asked::{postgres, settings, storage};
use crate::cli::Options;
use crate::measure::processes::{Processes, peak_memory_bytes};
use crate::output::Output;
use crate::up::as_for_people;

/// What a start leaves to be done, such as the first look at every queue, is over by then.
const SETTLE: Duration = Duration::from_secs(2);
const WATCHED: Duration = Duration::from_secs(10);

/// A process that hashes passwords has all the memory for it after as many at once.
const LOGINS: usize = 10;

/// Prints a table for each arm, or less if it is told to stop.
pub fn idle<'a>(
    options: &'a Options,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    run(options, stop).boxed_local()
}

async fn run(options: &Options, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let arms: Vec<Arm> = options.arms.0.iter().map(|(arm, _)| *arm).collect();
    let settings = settings(options)?;
    let binaries = Binaries::build(&arms)?;
    let logs = Output::create()?.logs();
    let around = Surroundings::start(binaries, storage(options), postgres(options), logs).await?;

    for (arm, label) in &options.arms.0 {
        let wanted = as_for_people(*arm, label, &settings);
        let deployment = Deployment::start(&around, &wanted).await?;
        let watched = stop.run_until_cancelled(watch(&deployment)).await;
        match watched.transpose()? {
            Some(table) => println!(
                "\n{}, left alone for 10 s after {LOGINS} logins\n{table}",
                described(label)
            ),
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
    log_in(deployment).await?;
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
