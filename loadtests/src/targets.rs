//! `cargo compare --target`: the same load and the same report for what is running already.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::arms::Arm;
use crate::cli::{Arms, Options};
use crate::compare::{empty, exit_code, finish, settings};
use crate::experiment::target::Target;
use crate::output::Output;
use crate::plan;
use crate::progress::Progress;

/// Loads the targets in turn. What they used cannot be seen from here, and without an audit there
/// is no verdict: the report shows what was measured and says so.
pub async fn compare(options: &Options, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let named = options
        .target
        .iter()
        .map(|(name, url)| (arm(name), label(name), url));
    let named: Vec<(Arm, String, &String)> = named.collect();
    let arms: Vec<(Arm, String)> = named
        .iter()
        .map(|(arm, label, _)| (*arm, label.clone()))
        .collect();
    let options = Options {
        arms: Arms(arms.clone()),
        ..options.clone()
    };
    let settings = settings(&options)?;

    let mut targets = vec![];
    for (_, label, url) in &named {
        targets.push((label, Target::open(url, settings.customers).await?));
    }
    let output = Output::create()?;
    let mut results = empty(&options, &settings, None)?;
    let cells = plan::cells(&options)
        .into_iter()
        .filter(|cell| !cell.remote_sqs);
    let planned = plan::order(&cells.collect::<Vec<_>>(), &arms, options.seed);

    let progress = Progress::new(planned.len());
    for run in &planned {
        let Some((_, target)) = targets.iter().find(|(label, _)| **label == run.label) else {
            continue;
        };
        progress.begin(&run.title());
        let Some(made) = stop.run_until_cancelled(target.run(&settings, run)).await else {
            results.partial = Some("it was interrupted".to_owned());
            break;
        };
        let made = made?;
        progress.end(&made);
        results.runs.push(made);
        output.write_results(&results)?;
    }
    progress.finish();
    finish(&options, &results, &output)?;
    Ok(exit_code(&results))
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
