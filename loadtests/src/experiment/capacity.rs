//! The highest rate an arm holds, by stepping up and then bisecting.

use tokio_util::sync::CancellationToken;

use super::one_run;
use crate::arms::{Arm, Surroundings};
use crate::load::Scenario;
use crate::plan::{Model, Planned, Settings};
use crate::results::{Capacity, Run};
use crate::statistics::usl::Knee;

/// Orders per second of the first step. Each further step is twice the one before.
const FIRST: f64 = 25.0;
/// A search ends here: no machine this runs on goes further.
const LAST: f64 = 12_800.0;
/// Steps of the bisection: four bring the two ends within a sixteenth of the last step.
const BISECTIONS: usize = 4;

/// Searches, and returns what was found with the runs it took. None when it was told to stop.
///
/// # Errors
/// When a run could not be made.
pub async fn search(
    around: &Surroundings,
    settings: &Settings,
    (arm, label): &(Arm, String),
    stop: &CancellationToken,
) -> anyhow::Result<Option<(Capacity, Vec<Run>)>> {
    let mut runs: Vec<Run> = vec![];
    let (mut held, mut lost) = (0.0, None);
    let mut bisections = 0;
    while bisections < BISECTIONS && held < LAST {
        let rate = match lost {
            None if held == 0.0 => FIRST,
            None => held * 2.0,
            Some(lost) => {
                bisections += 1;
                (held + lost) / 2.0
            }
        };
        let planned = Planned {
            arm: *arm,
            label: label.clone(),
            scenario: Scenario::Checkout,
            model: Model::Probe { rate },
            replicas: 1,
            remote_sqs: false,
            pair: 0,
            position: runs.len(),
        };
        eprintln!("capacity of {label}: {rate:.0} orders/s");
        let Some(run) = one_run(around, settings, &planned, stop).await? else {
            return Ok(None);
        };
        match holds(&run) {
            true => held = rate,
            false => lost = Some(rate),
        }
        runs.push(run);
    }
    let steps: Vec<(f64, f64)> = runs
        .iter()
        .map(|run| (run.rate_per_s, run.goodput_per_s()))
        .collect();
    let knee = Knee::fit(&steps);
    let capacity = Capacity {
        arm: label.clone(),
        held_per_s: held,
        lost_per_s: lost,
        steps,
        knee,
    };
    Ok(Some((capacity, runs)))
}

/// Goodput of 99%, errors under 0.1%, and every promise kept. Orders that settle within the
/// objective leave no growing backlog behind them.
fn holds(run: &Run) -> bool {
    let errors = run.errors as f64 / run.offered.max(1) as f64;
    run.refusal().is_none() && errors < 0.001 && run.goodput_per_s() >= 0.99 * run.rate_per_s
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Audit, Check};

    #[test]
    fn a_rate_is_held_only_in_time_without_errors_and_with_every_promise_kept() {
        let kept = Check {
            promise: "kept".into(),
            examined: 1,
            broken: 0,
            example: None,
        };
        let sound = Run {
            rate_per_s: 100.0,
            duration_s: 10.0,
            offered: 1_000,
            good: 995,
            audit: Audit {
                checks: vec![kept],
                not_run: None,
            },
            ..Run::default()
        };
        assert!(holds(&sound));
        assert!(!holds(&Run {
            good: 985,
            ..sound.clone()
        }));
        assert!(!holds(&Run {
            errors: 2,
            ..sound.clone()
        }));
        assert!(!holds(&Run {
            void: Some("late".into()),
            ..sound.clone()
        }));
        let mut broken = sound;
        broken.audit.checks[0].broken = 1;
        assert!(!holds(&broken));
    }
}
