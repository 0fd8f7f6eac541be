//! `cargo compare`: runs both architectures on this machine.

use std::process::ExitCode;

use analysis::model::{ArmName, Partial};
use anyhow::{Context as _, bail};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use harness::deployment::Infrastructure;
use harness::deployment::binaries::{Binaries, PROFILE};
use harness::measure::machine;
use tokio_util::sync::CancellationToken;

use super::compare_targets::compare_targets;
use super::conclude::{exit_code, mark_complete, write_outputs};
use super::faults;
use crate::capacity;
use crate::cli::{Arms, Options};
use crate::environment::refuse_proxy;
use crate::experiment::{Experiment, Shops};
use crate::output::Output;
use crate::plan;
use crate::resume::resumed;
use crate::sequence::run_all;
use crate::settings::{new_results, postgres_mode, run_settings, storage};

/// Runs the whole comparison. The exit code is 0 only when every audit passed and no run but the
/// search for a capacity had errors.
pub fn compare<'a>(
    options: &'a Options,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    // Boxed, so that it is compiled here and not again with `main`.
    run(options, stop).boxed_local()
}

async fn run(options: &Options, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    if !options.target.is_empty() {
        return compare_targets(options, stop).await;
    }
    refuse_proxy()?;
    let options = &with_baseline(options)?;
    let settings = run_settings(options)?;
    let earlier = match &options.resume {
        Some(path) => Some(resumed(path, options, &settings)?),
        None => None,
    };
    let (deployment, arms) = (&options.deployment, &options.deployment.arms);
    // Before the build, which may take minutes.
    let baseline = baseline_binaries(options)?;
    eprintln!("Building {} ({PROFILE})", phrase(&arms.0));
    let binaries = Binaries::build(&arms.on_the_dial())?;

    let output = match &options.resume {
        Some(path) => Output::of_earlier(path),
        None => Output::create()?,
    };
    eprintln!("Starting Postgres");
    let mut infrastructure = Infrastructure::start(
        binaries,
        storage(deployment),
        postgres_mode(deployment),
        output.logs(),
    )
    .await?;
    infrastructure.baseline = baseline;
    let mut results = match earlier {
        Some(earlier) => earlier,
        None => new_results(options, &settings, infrastructure.postgres_version())?,
    };
    if let Some(directory) = infrastructure.directory() {
        results.machine.fsync = machine::fsync(directory).ok();
    }

    let mut experiment = Experiment {
        shops: Shops::Local(&infrastructure),
        settings: &settings,
        results,
        output: &output,
        stop,
    };
    let made = run_comparison(&mut experiment, options).await;
    let mut results = experiment.results;
    mark_complete(&mut results, &made);
    write_outputs(options, &results, &output)?;
    made?;
    drop(infrastructure);
    Ok(exit_code(&results))
}

/// With a baseline, its arm comes first and the one arm of the options second.
fn with_baseline(options: &Options) -> anyhow::Result<Options> {
    let mut options = options.clone();
    if options.baseline.is_none() {
        return Ok(options);
    }
    let [arm] = options.deployment.arms.on_the_dial()[..] else {
        bail!("--baseline compares one arm with its former self: name it, as in --arms A3");
    };
    options.deployment.arms = Arms(vec![ArmName::Baseline(arm), arm.into()]);
    Ok(options)
}

/// The release binaries of the other commit.
fn baseline_binaries(options: &Options) -> anyhow::Result<Option<Binaries>> {
    let Some(directory) = &options.baseline else {
        return Ok(None);
    };
    let binaries = Binaries::of_baseline(directory, &options.deployment.arms.on_the_dial());
    let hint = "--baseline needs the directory of another commit's release binaries";
    Ok(Some(binaries.context(hint)?))
}

/// `the monolith (A0) and the services (A3)`
fn phrase(arms: &[ArmName]) -> String {
    let names: Vec<String> = arms.iter().map(ArmName::phrase).collect();
    names.join(" and ")
}

/// Searches for the capacities first when the full method needs them: its rates are shares of the
/// weaker one.
async fn run_comparison(experiment: &mut Experiment<'_>, options: &Options) -> anyhow::Result<()> {
    let arms = &options.deployment.arms.0;
    for arm in arms.iter().filter(|_| options.full) {
        let earlier = &experiment.results.capacities;
        if earlier.iter().any(|one| one.arm == *arm) {
            continue;
        }
        if !capacity::search(experiment, arm).await? {
            experiment.interrupted();
            return Ok(());
        }
    }
    let capacities = experiment.results.capacities.iter();
    let weaker = capacities.map(|one| one.held_per_s).min_by(f64::total_cmp);
    let cells = match weaker {
        Some(rate) if options.full && options.rates.is_none() => plan::full(rate, options),
        _ => plan::cells(options),
    };
    let planned = plan::schedule(&cells, arms, options.deployment.seed);
    run_all(experiment, &planned).await?;
    let on_the_dial = options.deployment.arms.on_the_dial();
    match options.full && experiment.results.partial == Some(Partial::Unfinished) {
        true => faults::run_all(experiment, &faults::full(&on_the_dial)).await,
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Top};

    fn options(arguments: &[&str]) -> Options {
        let all = ["cargo", "compare"].iter().chain(arguments);
        let Top::Compare(compare) = Cli::parse_from(all).command;
        compare.options
    }

    #[test]
    fn a_baseline_runs_as_the_first_of_two_arms() {
        let options = with_baseline(&options(&["--arms", "A3", "--baseline", "d"])).unwrap();
        let names: Vec<String> = options
            .deployment
            .arms
            .0
            .iter()
            .map(ArmName::to_string)
            .collect();
        assert_eq!(names, ["A3 before", "A3"]);
    }

    #[test]
    fn a_baseline_of_several_arms_is_refused_with_what_to_do() {
        for arms in [
            &[][..],
            &["--arms", "A0,A3"],
            &["--arms", "A3,A3"],
            &["--arms", "all"],
        ] {
            let options = options(&[arms, &["--baseline", "d"]].concat());
            let error = with_baseline(&options).unwrap_err().to_string();
            assert!(error.contains("as in --arms A3"), "{arms:?}: {error}");
        }
    }

    #[test]
    fn a_baseline_without_binaries_is_refused_with_the_missing_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap();
        let options = with_baseline(&options(&["--arms", "A0", "--baseline", path])).unwrap();
        let error = format!("{:#}", baseline_binaries(&options).unwrap_err());
        let missing = directory.path().join("monolith").display().to_string();
        assert!(error.contains(&missing), "{error}");
        assert!(error.contains("cargo build --release"), "{error}");

        std::fs::write(directory.path().join("monolith"), "").unwrap();
        assert!(baseline_binaries(&options).unwrap().is_some());
    }
}
