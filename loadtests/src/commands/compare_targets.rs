//! `cargo compare --target`: the same load and the same report for shops that run already.

use std::process::ExitCode;

use analysis::model::{Arm, ArmName, Scenario};
use anyhow::bail;
use harness::run::Target;
use tokio_util::sync::CancellationToken;

use super::conclude::{exit_code, mark_complete, write_outputs};
use crate::cli::{Arms, DeploymentOptions, Options};
use crate::experiment::{Experiment, Shops};
use crate::output::Output;
use crate::plan::{self, CellPlan};
use crate::sequence::run_all;
use crate::settings::{new_results, run_settings};
use crate::target_access;

/// Loads the targets in turn. The CPU of their processes cannot be seen from here. They are audited
/// where the options have the addresses for it. Without an audit there is no verdict, and the
/// report shows what was measured and says so.
pub(super) async fn compare_targets(
    options: &Options,
    stop: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let arms: Vec<ArmName> = options
        .target
        .iter()
        .map(|(name, _)| arm_name(name))
        .collect();
    for (n, name) in arms.iter().enumerate() {
        if arms[..n].contains(name) {
            bail!("two targets are called {name}: give each a name of its own");
        }
    }
    let settings = run_settings(options)?;
    if plan::cells(options)
        .iter()
        .any(|cell| cell.scenario == Scenario::SlowProvider)
    {
        bail!("S4 needs a slow payment provider, and a target has its own: leave S4 out");
    }
    let mut targets = vec![];
    for ((name, url), arm) in options.target.iter().zip(&arms) {
        let arm = arm.arm().unwrap_or(Arm::Services);
        let sources = target_access::sources(options, name, arm)?;
        targets.push(Target::open(url, settings.customers, sources).await?);
    }
    let options = Options {
        deployment: DeploymentOptions {
            arms: Arms(arms.clone()),
            ..options.deployment.clone()
        },
        ..options.clone()
    };
    // The latency of a target's queues is its own.
    let cells = plan::cells(&options).into_iter().map(|cell| CellPlan {
        remote_too: false,
        ..cell
    });
    let cells: Vec<CellPlan> = cells.collect();
    let planned = plan::schedule(&cells, &arms, options.deployment.seed);

    let output = Output::create()?;
    let mut experiment = Experiment {
        shops: Shops::Targets(targets),
        results: new_results(&options, &settings, None)?,
        settings: &settings,
        output: &output,
        stop,
    };
    let made = run_all(&mut experiment, &planned).await;
    let mut results = experiment.results;
    mark_complete(&mut results, &made);
    write_outputs(&options, &results, &output)?;
    made?;
    Ok(exit_code(&results))
}

/// `monolith` and `services` are the arms of that name on the dial. Other names stay as they are.
fn arm_name(name: &str) -> ArmName {
    match name {
        "monolith" => Arm::Monolith.into(),
        "services" => Arm::Services.into(),
        _ => name.to_owned().into(),
    }
}
