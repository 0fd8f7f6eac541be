//! Makes all planned runs, and keeps what there is when it has to stop early.

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::one_run;
use crate::arms::Surroundings;
use crate::compare::INTERRUPTED;
use crate::output::Output;
use crate::plan::{Planned, Settings};
use crate::progress::Progress;
use crate::results::{Results, Run};

/// Makes the runs in their order and writes the results down after each, so that nothing is lost
/// whatever happens next.
///
/// # Errors
/// When a run could not be made at all. The runs before it are in the results.
pub async fn conduct(
    around: &Surroundings,
    settings: &Settings,
    planned: &[Planned],
    results: &mut Results,
    output: &Output,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    keep_whole_pairs(results, planned);
    let progress = Progress::new(planned.len());
    let mut retries = (planned.len() / RUNS_A_RETRY).max(1);
    for run in planned {
        if results.runs.iter().any(|made| is_made(made, run)) {
            progress.skip();
            continue;
        }
        loop {
            progress.begin(&run.title());
            let here = Planned {
                position: results.runs.len(),
                ..run.clone()
            };
            let outcome = one_run(around, settings, &here, stop).await;
            let outcome = outcome.with_context(|| format!("run {} could not be made", run.title()));
            let Some(made) = outcome? else {
                results.partial = Some(INTERRUPTED.to_owned());
                progress.finish();
                return Ok(());
            };
            let again = made.is_late() && made.audit.passed() && retries > 0;
            progress.end(&made, again);
            results.runs.push(made);
            output.write_results(results)?;
            if !again {
                break;
            }
            retries -= 1;
        }
    }
    progress.finish();
    Ok(())
}

/// For every so many runs one is made again when the generator was late: that says nothing of the
/// arm. More would take a comparison past its time.
const RUNS_A_RETRY: usize = 10;

/// Of an earlier comparison that was broken off within a pair, the pair's other runs go: made now,
/// its neighbours would have run at another time.
fn keep_whole_pairs(results: &mut Results, planned: &[Planned]) {
    let same_pair = |one: &Planned, other: &Planned| {
        let cell = |run: &Planned| (run.scenario, run.model, run.replicas, run.pair);
        cell(one) == cell(other)
    };
    let made = |runs: &[Run], run: &Planned| runs.iter().any(|made| is_made(made, run));
    let broken = |run: &&Planned| {
        let mut pair = planned.iter().filter(|other| same_pair(run, other));
        !pair.all(|other| made(&results.runs, other))
    };
    let broken: Vec<&Planned> = planned.iter().filter(broken).collect();
    results
        .runs
        .retain(|run| !broken.iter().any(|planned| is_made(run, planned)));
}

/// Whether this run is there already, from before an interruption.
pub(super) fn is_made(made: &Run, planned: &Planned) -> bool {
    made.arm == planned.label && made.pair == planned.pair && made.cell() == planned.cell()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arms::Arm;
    use crate::asked::{empty, settings};
    use crate::cli::{Cli, Top};
    use crate::plan;

    #[test]
    fn of_a_pair_that_was_broken_off_no_run_is_kept() {
        let Top::Compare(asked) = Cli::parse_from(["cargo", "compare"]).command;
        let arms = [
            (Arm::Monolith, "A0".to_owned()),
            (Arm::Services, "A3".to_owned()),
        ];
        let planned = plan::order(&plan::quick(None), &arms, 1);
        let settings = settings(&asked.options).unwrap();
        let mut results = empty(&asked.options, &settings, None).unwrap();
        let made = |run: &Planned| crate::experiment::one_run::blank(&settings, run);
        results.runs = planned.iter().map(made).collect();
        let (kept, lost) = (planned.len(), planned.last().unwrap());

        keep_whole_pairs(&mut results, &planned);
        assert_eq!(results.runs.len(), kept);
        results.runs.pop();
        keep_whole_pairs(&mut results, &planned);
        let in_pair = |run: &&Planned| run.pair == lost.pair && run.scenario == lost.scenario;
        let whole_pair = planned.iter().filter(in_pair).count();
        assert_eq!(results.runs.len(), kept - whole_pair);
    }
}
