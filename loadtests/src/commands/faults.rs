//! `cargo compare faults`: lets parts fail under load.

use std::process::ExitCode;
use std::time::Duration;

use analysis::model::{Arm, Fault, FaultCase, FaultRun, Rate};
use anyhow::{Context as _, bail};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use harness::deployment::Infrastructure;
use harness::deployment::binaries::{Binaries, PROFILE};
use harness::deployment::infrastructure::external_server;
use harness::run::{RunSettings, cases, run_with_fault};
use tokio_util::sync::CancellationToken;

use super::conclude::{exit_code, mark_complete, write_outputs};
use crate::cli::{DeploymentOptions, FaultOptions, Options, of_experiment};
use crate::environment::refuse_proxy;
use crate::experiment::{Experiment, Shops};
use crate::output::Output;
use crate::plan::QUICK_RATE;
use crate::progress::Progress;
use crate::resume::resumed;
use crate::settings::{new_results, postgres_mode, quick_settings, storage};

/// The arms that faults happen to.
const FAULTY: [Arm; 2] = [Arm::Monolith, Arm::Services];
/// Runs of each case in the full method: the fewest that give an interval.
const FULL_PAIRS: usize = 3;
/// Longer than any fault and its drain: an order that waits for a dead part shall settle.
const ORDER_EXPIRY: Duration = Duration::from_secs(300);
/// After which time the services publish again what was not answered: longer than they need while
/// nothing fails, and short enough for an experiment.
const OVERDUE: Duration = Duration::from_secs(10);
/// As long as the generator waits for an answer.
const LONGEST_OPERATION: Duration = Duration::from_secs(20);

/// The cases to make, in their sequence.
pub(crate) struct FaultPlan {
    cases: Vec<(FaultCase, usize)>,
    rate: Rate,
}

/// Lets each fault happen to each arm. The exit code is 0 only when every promise was kept.
pub fn faults<'a>(
    options: &'a FaultOptions,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    run(options, stop).boxed_local()
}

async fn run(options: &FaultOptions, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    refuse_proxy()?;
    let arms = arms_with_faults(&options.deployment)?;
    let plan = plan(
        &options.faults(),
        &arms,
        options.pairs as usize,
        options.rate,
    );
    let options = &Options {
        pairs: Some(options.pairs),
        resume: options.resume.clone(),
        ..of_experiment(
            &options.deployment,
            options.rate,
            options.keep,
            options.json,
        )
    };
    let settings = quick_settings(&options.deployment)?;
    let earlier = match &options.resume {
        Some(path) => Some(resumed(path, options, &settings)?),
        None => None,
    };
    eprintln!("Building the monolith and the services ({PROFILE})");
    // Both, since a gateway stands in front of two monoliths.
    let binaries = Binaries::build(&FAULTY)?;
    let output = match &options.resume {
        Some(path) => Output::of_earlier(path),
        None => Output::create()?,
    };
    let infrastructure = Infrastructure::start(
        binaries,
        storage(&options.deployment),
        postgres_mode(&options.deployment),
        output.logs(),
    )
    .await?;
    let results = match earlier {
        Some(earlier) => earlier,
        None => new_results(options, &settings, infrastructure.postgres_version())?,
    };
    let mut experiment = Experiment {
        shops: Shops::Local(&infrastructure),
        settings: &settings,
        results,
        output: &output,
        stop,
    };
    let made = run_all(&mut experiment, &plan).await;
    let mut results = experiment.results;
    mark_complete(&mut results, &made);
    write_outputs(options, &results, &output)?;
    made?;
    Ok(exit_code(&results))
}

/// The chosen arms.
///
/// # Errors
/// When faults cannot happen to one of them, or to the Postgres that would be used.
pub(super) fn arms_with_faults(options: &DeploymentOptions) -> anyhow::Result<Vec<Arm>> {
    let arms = options.arms.on_the_dial();
    if arms.iter().any(|arm| !FAULTY.contains(arm)) {
        bail!("faults are for the monolith and the services: choose --arms A0,A3");
    }
    if external_server().is_some() {
        bail!("faults need a Postgres of their own: unset DATABASE_URL");
    }
    Ok(arms)
}

/// Every fault, as often as an interval needs. Nothing unless both the monolith and the services
/// are compared.
pub(crate) fn full(arms: &[Arm]) -> FaultPlan {
    let faults: &[Fault] = match FAULTY.iter().all(|arm| arms.contains(arm)) {
        true => &Fault::ALL,
        false => &[],
    };
    plan(faults, &FAULTY, FULL_PAIRS, QUICK_RATE)
}

fn plan(faults: &[Fault], arms: &[Arm], pairs: usize, rate: f64) -> FaultPlan {
    let pair = |pair| {
        let all = faults.iter().flat_map(|fault| cases(*fault, arms));
        all.map(move |case| (case, pair))
    };
    FaultPlan {
        cases: (0..pairs).flat_map(pair).collect(),
        rate: Rate::per_s(rate),
    }
}

/// Makes all runs of the plan.
///
/// # Errors
/// When a run could not be made at all. The runs before it are in the results.
pub(crate) async fn run_all(
    experiment: &mut Experiment<'_>,
    plan: &FaultPlan,
) -> anyhow::Result<()> {
    let Shops::Local(infrastructure) = experiment.shops else {
        bail!("faults are for shops that this program starts");
    };
    let settings = experiment_settings(experiment.settings);
    let progress = Progress::new(plan.cases.len());
    for (case, pair) in &plan.cases {
        if is_made(&experiment.results.faults, case, *pair) {
            progress.skip();
            continue;
        }
        let title = format!("{}, pair {}", case.title(), pair + 1);
        progress.begin(&title);
        let place = (plan.rate, *pair, experiment.results.all_runs().count());
        let made = run_with_fault(infrastructure, &settings, case, place, experiment.stop).await;
        let made = made.with_context(|| format!("run {title} could not be made"))?;
        let Some(made) = made else {
            experiment.interrupted();
            break;
        };
        progress.end_of_fault(&made);
        experiment.record_fault(made)?;
    }
    progress.finish();
    Ok(())
}

/// The settings of runs in which parts fail.
pub(super) fn experiment_settings(settings: &RunSettings) -> RunSettings {
    RunSettings {
        order_expiry: ORDER_EXPIRY,
        overdue: Some(OVERDUE),
        longest_operation: LONGEST_OPERATION,
        ..settings.clone()
    }
}

fn is_made(made: &[FaultRun], case: &FaultCase, pair: usize) -> bool {
    let mut made = made.iter();
    made.any(|one| one.case == *case && one.run.pair == pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_every_case_in_every_pair_and_the_full_one_needs_both_arms() {
        let two = plan(&[Fault::ProviderHangs], &FAULTY, 2, 50.0);
        let pairs: Vec<usize> = two.cases.iter().map(|(_, pair)| *pair).collect();
        assert_eq!(pairs, [0, 0, 1, 1]);
        assert!(full(&[Arm::Monolith]).cases.is_empty());
        let faults = full(&FAULTY).cases.into_iter().map(|(case, _)| case.fault);
        let faults: Vec<Fault> = faults.collect();
        assert!(Fault::ALL.iter().all(|fault| faults.contains(fault)));
    }
}
