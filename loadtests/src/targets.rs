//! `cargo compare --target`: the same load and the same report for what is running already.

mod access;

use std::process::ExitCode;

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;

use crate::arms::Arm;
use crate::asked::{empty, settings};
use crate::cli::{Arms, DeploymentOptions, Options};
use crate::compare::{INTERRUPTED, end, exit_code, finish};
use crate::experiment::target::Target;
use crate::load::Scenario;
use crate::output::Output;
use crate::plan::{self, CellPlan, Planned, Settings};
use crate::progress::Progress;
use crate::results::Results;

/// Loads the targets in turn. What their processes used cannot be seen from here. They are audited
/// where the addresses for it were given; without an audit there is no verdict, and the report
/// shows what was measured and says so.
pub async fn compare(options: &Options, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let arms: Vec<(Arm, String)> = options
        .target
        .iter()
        .map(|(name, _)| (arm(name), label(name)))
        .collect();
    for (n, (_, label)) in arms.iter().enumerate() {
        if arms[..n].iter().any(|(_, known)| known == label) {
            bail!("two targets are called {label}: give each a name of its own");
        }
    }
    let settings = settings(options)?;
    if plan::cells(options)
        .iter()
        .any(|cell| cell.scenario == Scenario::SlowProvider)
    {
        bail!("S4 needs a slow payment provider, and a target has its own: leave S4 out");
    }
    let mut targets = vec![];
    for ((name, url), (arm, _)) in options.target.iter().zip(&arms) {
        let sources = access::sources(options, name, *arm)?;
        targets.push(Target::open(url, settings.customers, sources).await?);
    }
    let options = Options {
        deployment: DeploymentOptions {
            arms: Arms(arms.clone()),
            ..options.deployment.clone()
        },
        ..options.clone()
    };
    let output = Output::create()?;
    let mut results = empty(&options, &settings, None)?;
    // How slow a target's queues are is its own affair.
    let cells = plan::cells(&options).into_iter().map(|cell| CellPlan {
        remote_too: false,
        ..cell
    });
    let planned = plan::order(&cells.collect::<Vec<_>>(), &arms, options.deployment.seed);

    let conducted = conduct(&targets, &settings, &planned, &mut results, &output, stop).await;
    end(&mut results, &conducted);
    finish(&options, &results, &output)?;
    conducted?;
    Ok(exit_code(&results))
}

/// The runs in their order. What was made before one that could not be is in the results.
async fn conduct(
    targets: &[Target],
    settings: &Settings,
    planned: &[Planned],
    results: &mut Results,
    output: &Output,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let arms = results.settings.arms.clone();
    let progress = Progress::new(planned.len());
    for run in planned {
        let at = arms.iter().position(|label| *label == run.label);
        let Some(target) = at.map(|at| &targets[at]) else {
            continue;
        };
        progress.begin(&run.title());
        let run = Planned {
            position: results.runs.len(),
            ..run.clone()
        };
        let Some(made) = stop.run_until_cancelled(target.run(settings, &run)).await else {
            results.partial = Some(INTERRUPTED.to_owned());
            break;
        };
        let made = made.with_context(|| format!("run {} could not be made", run.title()))?;
        progress.end(&made, false);
        results.runs.push(made);
        output.write_results(results)?;
    }
    progress.finish();
    Ok(())
}

fn arm(name: &str) -> Arm {
    match name {
        "monolith" => Arm::Monolith,
        _ => Arm::from_label(name).unwrap_or(Arm::Services),
    }
}

/// `monolith` and `services` are the arms they are on the dial; anything else keeps its name.
fn label(name: &str) -> String {
    match name {
        "monolith" | "services" => arm(name).code().to_owned(),
        _ => name.to_owned(),
    }
}
