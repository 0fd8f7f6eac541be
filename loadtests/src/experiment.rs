//! An experiment: a comparison while it is made, with its results so far and its files.

use analysis::model::{FaultRun, Partial, Results, Run};
use harness::deployment::Infrastructure;
use harness::run::{RunSettings, RunSpec, Target, run, run_locally};
use tokio_util::sync::CancellationToken;

use crate::output::Output;

/// The state that all parts of a comparison share.
pub(crate) struct Experiment<'a> {
    pub(crate) shops: Shops<'a>,
    pub(crate) settings: &'a RunSettings,
    pub(crate) results: Results,
    pub(crate) output: &'a Output,
    pub(crate) stop: &'a CancellationToken,
}

/// The shops under comparison.
pub(crate) enum Shops<'a> {
    /// Arms, each started for its run.
    Local(&'a Infrastructure),
    /// Shops that run already, in the order of the arms in the results.
    Targets(Vec<Target>),
}

impl Experiment<'_> {
    /// Makes one run. `None` when the comparison was stopped.
    ///
    /// # Errors
    /// When the run could not be made.
    pub(crate) async fn run(&self, spec: &RunSpec) -> anyhow::Result<Option<Run>> {
        match &self.shops {
            Shops::Local(infrastructure) => {
                run_locally(infrastructure, self.settings, spec, self.stop).await
            }
            Shops::Targets(targets) => {
                let arms = &self.results.settings.arms;
                let place = arms.iter().position(|name| *name == spec.arm);
                let target = place.and_then(|place| targets.get(place));
                let Some(target) = target else {
                    anyhow::bail!("{} is not a target", spec.arm);
                };
                let made = run(target, self.settings, spec);
                self.stop.run_until_cancelled(made).await.transpose()
            }
        }
    }

    /// Adds a run to the results, and writes them at once, so that no later failure loses it.
    pub(crate) fn record(&mut self, run: Run) -> anyhow::Result<()> {
        self.results.runs.push(run);
        self.output.write_results(&self.results)
    }

    /// The same for a run with a fault.
    pub(crate) fn record_fault(&mut self, run: FaultRun) -> anyhow::Result<()> {
        self.results.faults.push(run);
        self.output.write_results(&self.results)
    }

    pub(crate) fn interrupted(&mut self) {
        self.results.partial = Some(Partial::Interrupted);
    }
}
