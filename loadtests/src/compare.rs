//! `cargo compare`, from its options to its exit code.

use std::process::ExitCode;

use anyhow::{Context, bail};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio_util::sync::CancellationToken;

use crate::arms::binaries::{Binaries, PROFILE};
use crate::arms::{Arm, Surroundings};
use crate::asked::{empty, postgres, settings, storage};
use crate::cli::Options;
use crate::experiment::capacity;
use crate::experiment::conduct::conduct;
use crate::output::Output;
use crate::plan::{self, Settings};
use crate::results::{Results, machine};
use crate::resume::resumed;
use crate::{report, targets, terminal};

/// Runs the whole comparison. The exit code is 0 only when every audit passed and no run but a
/// search for the limit had errors.
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
    refuse_proxy()?;
    let settings = settings(options)?;
    let earlier = match &options.resume {
        Some(path) => Some(resumed(path, options, &settings)?),
        None => None,
    };
    let arms: Vec<Arm> = options
        .deployment
        .arms
        .0
        .iter()
        .map(|(arm, _)| *arm)
        .collect();
    eprintln!(
        "Building {} ({PROFILE})",
        terminal::arms(&options.deployment.arms.0)
    );
    let binaries = Binaries::build(&arms)?;

    let output = match &options.resume {
        Some(path) => Output::beside(path),
        None => Output::create()?,
    };
    eprintln!("Starting Postgres");
    let deployment = &options.deployment;
    let around = Surroundings::start(
        binaries,
        storage(deployment),
        postgres(deployment),
        output.logs(),
    )
    .await?;
    let mut results = match earlier {
        Some(earlier) => earlier,
        None => empty(options, &settings, around.postgres_version())?,
    };
    if let Some(directory) = around.directory() {
        results.machine.fsync = machine::fsync(directory).ok();
    }

    let conducted = everything(&around, options, &settings, &mut results, &output, stop).await;
    end(&mut results, &conducted);
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
    let arms = &options.deployment.arms.0;
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
    let planned = plan::order(&cells, arms, options.deployment.seed);
    conduct(around, settings, &planned, results, output, stop).await
}

/// Results are partial from the beginning; only here they cease to be.
pub fn end(results: &mut Results, conducted: &anyhow::Result<()>) {
    match conducted {
        Err(error) => results.partial = Some(format!("{error:#}")),
        Ok(()) if results.partial.as_deref() == Some(UNFINISHED) => results.partial = None,
        Ok(()) => {}
    }
}

/// goose asks the environment, and its load would go by way of the proxy.
fn refuse_proxy() -> anyhow::Result<()> {
    let set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let exempt = |name: &str| std::env::var(name).is_ok_and(|all| all.contains("127.0.0.1"));
    let proxies = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    match proxies.into_iter().find(|name| set(name)) {
        Some(name) if !exempt("NO_PROXY") && !exempt("no_proxy") => {
            bail!("{name} would take the load: set NO_PROXY=127.0.0.1,localhost")
        }
        _ => Ok(()),
    }
}

pub const INTERRUPTED: &str = "it was interrupted";
pub const UNFINISHED: &str = "it was not finished";

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
    let sound = results.all_promises_kept() && !results.has_errors();
    match results.partial.is_none() && sound {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Top};
    use crate::results;

    fn options(arguments: &[&str]) -> Options {
        let all = ["cargo", "compare"].iter().chain(arguments);
        let Top::Compare(compare) = Cli::parse_from(all).command;
        compare.options
    }

    #[test]
    fn what_was_broken_off_is_never_called_whole() {
        let quick = options(&[]);
        let whole = |conducted: anyhow::Result<()>, interrupted: bool| {
            let mut results = empty(&quick, &settings(&quick).unwrap(), None).unwrap();
            assert!(results.partial.is_some());
            if interrupted {
                results.partial = Some(INTERRUPTED.to_owned());
            }
            end(&mut results, &conducted);
            results.partial.is_none()
        };
        assert!(whole(Ok(()), false));
        assert!(!whole(Ok(()), true));
        assert!(!whole(Err(anyhow::anyhow!("broken")), false));
    }

    #[test]
    fn a_run_with_errors_fails_the_comparison_though_every_promise_was_kept() {
        let quick = options(&[]);
        let mut results = empty(&quick, &settings(&quick).unwrap(), None).unwrap();
        results.partial = None;
        let mut run = results::Run {
            requests: 100,
            ..results::Run::default()
        };
        run.audit.checks = vec![results::Check {
            promise: "kept".to_owned(),
            examined: 1,
            broken: 0,
            example: None,
        }];
        results.runs = vec![run];
        assert_eq!(exit_code(&results), ExitCode::SUCCESS);
        results.runs[0].errors = 1;
        assert_eq!(exit_code(&results), ExitCode::FAILURE);
    }
}
