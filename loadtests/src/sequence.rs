//! Makes all planned runs in their sequence, and keeps the results when it has to stop early.

use analysis::model::{Results, Run};
use anyhow::Context;
use harness::run::RunSpec;

use crate::experiment::{Experiment, Shops};
use crate::progress::Progress;

/// One late run of this many is repeated: a late generator says nothing about the arm. More
/// repetitions would make the comparison too long.
const RUNS_PER_RETRY: usize = 10;

/// Makes the runs one after another. Runs of an earlier comparison that was stopped are not made
/// again.
///
/// # Errors
/// When a run could not be made at all. The runs before it are in the results.
pub(crate) async fn run_all(
    experiment: &mut Experiment<'_>,
    planned: &[RunSpec],
) -> anyhow::Result<()> {
    keep_whole_pairs(&mut experiment.results, planned);
    let progress = Progress::new(planned.len());
    let mut retries = match experiment.shops {
        Shops::Local(_) => (planned.len() / RUNS_PER_RETRY).max(1),
        Shops::Targets(_) => 0,
    };
    for spec in planned {
        let runs = &experiment.results.runs;
        if runs.iter().any(|made| is_made(made, spec)) {
            progress.skip();
            continue;
        }
        loop {
            progress.begin(&spec.title());
            let here = RunSpec {
                position: experiment.results.runs.len(),
                ..spec.clone()
            };
            let made = experiment.run(&here).await;
            let made = made.with_context(|| format!("run {} could not be made", spec.title()))?;
            let Some(made) = made else {
                experiment.interrupted();
                progress.finish();
                return Ok(());
            };
            let repeat = made.is_late() && made.audit.passed() && retries > 0;
            progress.end(&made, repeat);
            experiment.record(made)?;
            if !repeat {
                break;
            }
            retries -= 1;
        }
    }
    progress.finish();
    Ok(())
}

/// Removes the runs of pairs that an earlier comparison did not finish. New neighbours would run at
/// another time.
fn keep_whole_pairs(results: &mut Results, planned: &[RunSpec]) {
    let same_pair = |one: &RunSpec, other: &RunSpec| {
        let pair = |run: &RunSpec| (run.scenario, run.load, run.replicas, run.pair);
        pair(one) == pair(other)
    };
    let made = |runs: &[Run], spec: &RunSpec| runs.iter().any(|made| is_made(made, spec));
    let broken = |spec: &&RunSpec| {
        let mut pair = planned.iter().filter(|other| same_pair(spec, other));
        !pair.all(|other| made(&results.runs, other))
    };
    let broken: Vec<&RunSpec> = planned.iter().filter(broken).collect();
    results
        .runs
        .retain(|run| !broken.iter().any(|spec| is_made(run, spec)));
}

/// Whether this run is in the results already.
pub(crate) fn is_made(made: &Run, spec: &RunSpec) -> bool {
    made.arm == spec.arm && made.pair == spec.pair && made.cell() == spec.cell()
}

#[cfg(test)]
mod tests {
    use analysis::model::Arm;
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Top};
    use crate::plan;
    use crate::settings::{new_results, run_settings};

    #[test]
    fn no_run_of_an_unfinished_pair_is_kept() {
        let Top::Compare(compare) = Cli::parse_from(["cargo", "compare"]).command;
        let arms = [Arm::Monolith, Arm::Services].map(Into::into);
        let planned = plan::schedule(&plan::quick(None), &arms, 1);
        let settings = run_settings(&compare.options).unwrap();
        let mut results = new_results(&compare.options, &settings, None).unwrap();
        let made = |spec: &RunSpec| spec.planned_run(&settings);
        results.runs = planned.iter().map(made).collect();
        let (kept, lost) = (planned.len(), planned.last().unwrap());

        keep_whole_pairs(&mut results, &planned);
        assert_eq!(results.runs.len(), kept);
        results.runs.pop();
        keep_whole_pairs(&mut results, &planned);
        let in_pair = |spec: &&RunSpec| spec.pair == lost.pair && spec.scenario == lost.scenario;
        let whole_pair = planned.iter().filter(in_pair).count();
        assert_eq!(results.runs.len(), kept - whole_pair);
    }
}
