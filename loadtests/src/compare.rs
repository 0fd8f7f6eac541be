//! `cargo compare`, from its options to its exit code.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Context;
use sandbox::PostgresMode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use crate::arms::binaries::{Binaries, PROFILE, workspace};
use crate::arms::{Arm, Surroundings};
use crate::cli::{Options, Postgres, Storage};
use crate::experiment::capacity;
use crate::experiment::conduct::conduct;
use crate::output::{Output, read_results};
use crate::plan::{self, Settings, SqsLatency};
use crate::results::{self, Machine, Results, SCHEMA};
use crate::{report, targets, terminal};

/// Runs the whole comparison. The exit code is 0 only when every audit passed.
pub async fn compare(options: &Options, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    if !options.target.is_empty() {
        return targets::compare(options, stop).await;
    }
    let settings = settings(options)?;
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
    let mut results = match &options.resume {
        Some(path) => Results {
            partial: None,
            ..read_results(path)?
        },
        None => empty(options, &settings, around.postgres_version())?,
    };

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
    if options.full {
        for arm in arms {
            if results.capacities.iter().any(|known| known.arm == arm.1) {
                continue;
            }
            let Some((capacity, runs)) = capacity::search(around, settings, arm, stop).await?
            else {
                results.partial = Some("it was interrupted".to_owned());
                return Ok(());
            };
            results.capacities.push(capacity);
            results.runs.extend(runs);
            output.write_results(results)?;
        }
    }
    let weaker = results
        .capacities
        .iter()
        .map(|one| one.held_per_s)
        .min_by(f64::total_cmp);
    let cells = match weaker {
        Some(rate) if options.full && options.rates.is_none() => plan::full(rate),
        _ => plan::cells(options),
    };
    let planned = plan::order(&cells, arms, options.seed);
    conduct(around, settings, &planned, results, output, stop).await
}

pub fn finish(options: &Options, results: &Results, output: &Output) -> anyhow::Result<()> {
    output.write_results(results)?;
    let page = report::write(results, output)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(results)?);
    } else {
        println!("{}", terminal::summary(results));
    }
    eprintln!("Report: {}", page.display());
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
        .unwrap_or(if options.full { 60 } else { 8 });
    Ok(Settings {
        warm_up: Duration::from_secs(if options.full { 10 } else { 2 }),
        duration: Duration::from_secs(duration),
        objective: Duration::from_millis(500),
        cancellation_window: Duration::from_secs(2),
        order_expiry: Duration::from_secs(if options.full { 15 } else { 5 }),
        products: 1_000,
        customers: 50,
        seed: options.seed,
        sqs_latency: SqsLatency::from_data()?,
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
    let mode = match (
        options.full,
        options.rates.is_some() || options.users.is_some(),
    ) {
        (true, _) => "full",
        (false, true) => "custom",
        (false, false) => "quick",
    };
    let latency = &settings.sqs_latency;
    Ok(Results {
        schema: SCHEMA,
        command: command(),
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
            sqs_latency: format!(
                "p50 {} ms, p99 {} ms a call: {}",
                latency.p50_ms, latency.p99_ms, latency.source
            ),
        },
        machine: Machine::probe(),
        versions: versions(postgres_version),
        runs: vec![],
        capacities: vec![],
    })
}

/// What to type to have this comparison again.
fn command() -> String {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .map(|argument| quoted(&without_password(&argument)))
        .collect();
    format!("cargo {}", arguments.join(" "))
}

/// A report is passed on, and an address may hold a password.
fn without_password(argument: &str) -> String {
    let hidden = || {
        let (scheme, rest) = argument.split_once("://")?;
        let (account, place) = rest.rsplit_once('@')?;
        let (user, _) = account.split_once(':')?;
        Some(format!("{scheme}://{user}:PASSWORD@{place}"))
    };
    hidden().unwrap_or_else(|| argument.to_owned())
}

/// As a shell wants it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=:/.,@".contains(c);
    match argument.chars().all(plain) {
        true => argument.to_owned(),
        false => format!("'{argument}'"),
    }
}

fn versions(postgres: Option<&str>) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let output = |program: &str, arguments: &[&str]| -> Option<String> {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(workspace().ok()?)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let commit = output("git", &["describe", "--always", "--dirty", "--abbrev=12"]);
    let found = [
        ("postgres", postgres.map(str::to_owned)),
        ("profile", Some(PROFILE.to_owned())),
        ("rustc", output("rustc", &["--version"])),
        ("commit", commit),
    ];
    for (name, version) in found {
        if let Some(version) = version {
            versions.insert(name.to_owned(), version);
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_shows_no_password() {
        let check = |argument: &str, shown: &str| {
            assert_eq!(quoted(&without_password(argument)), shown);
        };
        check("--rates", "--rates");
        check(
            "monolith=http://127.0.0.1:8080",
            "monolith=http://127.0.0.1:8080",
        );
        check(
            "services=postgres://{database}:a@b@host/{database}",
            "'services=postgres://{database}:PASSWORD@host/{database}'",
        );
    }
}
