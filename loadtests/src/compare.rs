//! `cargo compare`, from its options to its exit code.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use sandbox::PostgresMode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use crate::arms::binaries::{Binaries, PROFILE};
use crate::arms::plant::Plant;
use crate::arms::surroundings::Servers;
use crate::arms::{Arm, Surroundings};
use crate::cli::{Options, Postgres, Storage};
use crate::experiment::capacity;
use crate::experiment::conduct::conduct;
use crate::output::{Output, read_results};
use crate::plan::{self, Settings};
use crate::results::{self, Machine, Results, SCHEMA};
use crate::sqs_latency::SqsLatency;
use crate::{provenance, report, targets, terminal};

/// Runs the whole comparison. The exit code is 0 only when every audit passed.
pub fn compare<'a>(
    options: &'a Options,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    // Boxed, so that it is compiled here and not again with `main`.
    run(options, stop).boxed_local()
}

async fn run(options: &Options, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    if !options.target.is_empty() {
        return targets::compare(options, stop).await;
    }
    let settings = settings(options)?;
    let earlier = match &options.resume {
        Some(path) => Some(resumed(path, options, &settings)?),
        None => None,
    };
    let arms: Vec<Arm> = options.arms.0.iter().map(|(arm, _)| *arm).collect();
    eprintln!("Building {} ({PROFILE})", terminal::arms(&options.arms.0));
    let binaries = Binaries::build(&arms)?;

    let output = match &options.resume {
        Some(path) => Output::beside(path),
        None => Output::create()?,
    };
    eprintln!("Starting Postgres");
    let around =
        Surroundings::start(binaries, storage(options), postgres(options), output.logs()).await?;
    let mut results = match earlier {
        Some(earlier) => earlier,
        None => empty(options, &settings, around.postgres_version())?,
    };
    if matches!(around.servers, Servers::Shared(ref server) if server.pid().is_none()) {
        results.settings.postgres = "given".to_owned();
    }

    let conducted = everything(&around, options, &settings, &mut results, &output, stop).await;
    if let Err(error) = &conducted {
        results.partial = Some(format!("{error:#}"));
    }
    finish(options, &results, &output)?;
    conducted?;
    drop(around);
    Ok(exit_code(&results))
}

/// Capacities first when the full method asks for them: its rates are shares of the weaker one.
async fn everything(
    around: &Surroundings,
    options: &Options,
    settings: &Settings,
    results: &mut Results,
    output: &Output,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let arms = &options.arms.0;
    for arm in arms.iter().filter(|_| options.full) {
        if results.capacities.iter().any(|known| known.arm == arm.1) {
            continue;
        }
        if !capacity::search(around, settings, arm, results, output, stop).await? {
            results.partial = Some(INTERRUPTED.to_owned());
            return Ok(());
        }
    }
    let weaker = results
        .capacities
        .iter()
        .map(|one| one.held_per_s)
        .min_by(f64::total_cmp);
    let cells = match weaker {
        Some(rate) if options.full && options.rates.is_none() => plan::full(rate, options),
        _ => plan::cells(options),
    };
    let planned = plan::order(&cells, arms, options.seed);
    conduct(around, settings, &planned, results, output, stop).await
}

/// Runs of two sets of settings are not to be mixed.
fn resumed(path: &Path, options: &Options, settings: &Settings) -> anyhow::Result<Results> {
    let earlier = read_results(path)?;
    let mut ours = empty(options, settings, None)?.settings;
    ours.postgres.clone_from(&earlier.settings.postgres);
    if earlier.settings != ours {
        bail!(
            "{} was made with other settings: give the options of {:?} again beside --resume",
            path.display(),
            earlier.command
        );
    }
    Ok(Results {
        partial: None,
        ..earlier
    })
}

pub const INTERRUPTED: &str = "it was interrupted";

pub fn finish(options: &Options, results: &Results, output: &Output) -> anyhow::Result<()> {
    output.write_results(results)?;
    let page = report::write(results, output)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(results)?);
    } else {
        println!("{}", terminal::summary(results));
    }
    eprintln!("Report: {}", page.display());
    if results.partial.is_some() && options.target.is_empty() {
        let made = output.directory.join("results.json");
        let command = &results.command;
        eprintln!("Go on with: {command} --resume {}", made.display());
    }
    if !options.keep {
        // Logs matter when something went wrong, which the partial report says.
        let logs = output.logs();
        if results.partial.is_none() && results.all_promises_kept() && logs.is_dir() {
            std::fs::remove_dir_all(logs).context("cannot remove the logs")?;
        }
    }
    Ok(())
}

pub fn exit_code(results: &Results) -> ExitCode {
    match results.partial.is_none() && results.all_promises_kept() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

pub fn settings(options: &Options) -> anyhow::Result<Settings> {
    let duration = options
        .duration
        .unwrap_or(if options.full { 60 } else { 7 });
    Ok(Settings {
        warm_up: Duration::from_secs(if options.full { duration.min(10) } else { 2 }),
        duration: Duration::from_secs(duration),
        objective: Duration::from_millis(500),
        cancellation_window: Duration::from_secs(2),
        // The message that sees to it is waited for: short runs cannot afford a long one.
        order_expiry: Duration::from_secs(if options.full {
            duration.clamp(5, 15)
        } else {
            5
        }),
        products: 1_000,
        customers: 50,
        seed: options.seed,
        sqs_latency: SqsLatency::from_data()?,
        plant: options.plant.clone(),
    })
}

pub fn storage(options: &Options) -> sandbox::Storage {
    match options.storage {
        Storage::Disk => sandbox::Storage::Disk,
        Storage::Memory => sandbox::Storage::Memory,
    }
}

pub fn postgres(options: &Options) -> PostgresMode {
    match options.postgres {
        Postgres::Shared => PostgresMode::Shared,
        Postgres::Each => PostgresMode::Each,
    }
}

pub fn empty(
    options: &Options,
    settings: &Settings,
    postgres_version: Option<&str>,
) -> anyhow::Result<Results> {
    let own = options.rates.is_some() || options.users.is_some() || options.scenarios.is_some();
    let own = own || options.pairs.is_some() || options.duration.is_some();
    let mode = match (options.full, own || !options.target.is_empty()) {
        (true, _) => "full",
        (false, true) => "custom",
        (false, false) => "quick",
    };
    let latency = &settings.sqs_latency;
    Ok(Results {
        schema: SCHEMA,
        command: provenance::command(),
        started_at: OffsetDateTime::now_utc().format(&Rfc3339)?,
        partial: None,
        settings: results::Settings {
            mode: mode.to_owned(),
            arms: options
                .arms
                .0
                .iter()
                .map(|(_, label)| label.clone())
                .collect(),
            rates: options
                .rates
                .clone()
                .unwrap_or_else(|| vec![plan::QUICK_RATE]),
            seed: settings.seed,
            duration_s: settings.duration.as_secs_f64(),
            warm_up_s: settings.warm_up.as_secs_f64(),
            objective_ms: settings.objective.as_secs_f64() * 1_000.0,
            cancellation_window_ms: settings.cancellation_window.as_millis() as u64,
            storage: format!("{:?}", options.storage).to_lowercase(),
            postgres: format!("{:?}", options.postgres).to_lowercase(),
            planted: options.plant.as_ref().map(Plant::described),
            sqs_latency: format!(
                "p50 {} ms, p99 {} ms a call: {}",
                latency.p50_ms, latency.p99_ms, latency.source
            ),
        },
        machine: Machine::probe(),
        versions: provenance::versions(postgres_version),
        runs: vec![],
        capacities: vec![],
    })
}
