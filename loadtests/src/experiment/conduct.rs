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
    let progress = Progress::new(planned.len());
    for run in planned {
        if results.runs.iter().any(|made| is_made(made, run)) {
            progress.skip();
            continue;
        }
        progress.begin(&run.title());
        let outcome = one_run(around, settings, run, stop).await;
        match outcome.with_context(|| format!("run {} could not be made", run.title()))? {
            Some(made) => {
                progress.end(&made);
                results.runs.push(made);
            }
            None => {
                results.partial = Some(INTERRUPTED.to_owned());
                break;
            }
        }
        output.write_results(results)?;
    }
    progress.finish();
    Ok(())
}

/// Whether this run is there already, from before an interruption.
pub(super) fn is_made(made: &Run, planned: &Planned) -> bool {
    made.arm == planned.label && made.pair == planned.pair && made.cell() == planned.cell()
}
