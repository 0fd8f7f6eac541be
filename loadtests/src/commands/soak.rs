//! `cargo compare soak`: loads each arm for hours, with random faults.

use std::process::ExitCode;
use std::time::Duration;

use analysis::model::{Arm, Partial, Rate, Results, Soak};
use analysis::soak::sentence;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use harness::deployment::Infrastructure;
use harness::deployment::binaries::{Binaries, PROFILE};
use harness::run::RunSettings;
use tokio_util::sync::CancellationToken;

use super::conclude::{mark_complete, write_outputs};
use super::faults::{arms_with_faults, experiment_settings};
use crate::cli::{SoakOptions, of_experiment};
use crate::environment::refuse_proxy;
use crate::output::Output;
use crate::settings::{new_results, postgres_mode, quick_settings, storage};

/// Loads each arm in turn. The exit code is 0 only when it was not stopped, every round kept every
/// promise, and no work was left.
pub fn soak<'a>(
    options: &'a SoakOptions,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    run(options, stop).boxed_local()
}

async fn run(options: &SoakOptions, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    refuse_proxy()?;
    let arms = arms_with_faults(&options.deployment)?;
    let settings = experiment_settings(&quick_settings(&options.deployment)?);
    let all = &of_experiment(
        &options.deployment,
        options.rate,
        options.keep,
        options.json,
    );
    eprintln!("Building the monolith and the services ({PROFILE})");
    let binaries = Binaries::build(&arms)?;
    let output = Output::create()?;
    let infrastructure = Infrastructure::start(
        binaries,
        storage(&options.deployment),
        postgres_mode(&options.deployment),
        output.logs(),
    )
    .await?;
    let mut results = new_results(all, &settings, infrastructure.postgres_version())?;
    let mut made = Ok(());
    for arm in arms {
        let place = (&mut results, &output);
        made = soak_arm(&infrastructure, &settings, options, arm, place, stop).await;
        if made.is_err() || stop.is_cancelled() {
            break;
        }
    }
    if stop.is_cancelled() {
        results.partial = Some(Partial::Interrupted);
    }
    mark_complete(&mut results, &made);
    write_outputs(all, &results, &output)?;
    made?;
    let is_clean = results.soaks.iter().all(Soak::is_clean);
    Ok(match results.partial.is_none() && is_clean {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Makes the rounds of an arm. Each is written at once.
async fn soak_arm(
    infrastructure: &Infrastructure,
    settings: &RunSettings,
    options: &SoakOptions,
    arm: Arm,
    (results, output): (&mut Results, &Output),
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let place = results.soaks.len();
    results.soaks.push(Soak {
        arm,
        rate: options.rate,
        seed: options.deployment.seed,
        rounds: vec![],
    });
    let length = Duration::from_secs_f64(options.hours * 3_600.0);
    let plan = (arm, Rate::per_s(options.rate), length);
    harness::run::soak(infrastructure, settings, plan, stop, |round| {
        let kept = match (&round.left, round.audit.passed()) {
            (None, true) => "all promises kept".to_owned(),
            (Some(left), _) => format!("work was left: {left}"),
            (None, false) => round.audit.failure().unwrap_or_default(),
        };
        eprintln!(
            "  {:>5.0} s  {}: {} of {} orders accepted, {kept}",
            round.at_s, round.fault, round.accepted, round.offered
        );
        results.soaks[place].rounds.push(round);
        output.write_results(results)
    })
    .await?;
    eprintln!("{}", sentence(&results.soaks[place]));
    Ok(())
}
