//! The highest rate an arm holds, by stepping up and then bisecting.

use tokio_util::sync::CancellationToken;

use super::conduct::is_made;
use super::one_run;
use crate::arms::{Arm, Surroundings};
use crate::load::Scenario;
use crate::output::Output;
use crate::plan::{Model, Planned, Settings};
use crate::results::{Capacity, Results, Run, Step};
use crate::statistics::usl::Knee;

/// Orders per second of the first step. Each further step is twice the one before.
const FIRST: f64 = 25.0;
/// A search ends here: no machine this runs on goes further.
const LAST: f64 = 12_800.0;
/// Tries of a rate, while the generator is late.
const ATTEMPTS: usize = 3;
/// Steps of the bisection: four bring the two ends within a sixteenth of the last step.
const BISECTIONS: usize = 4;

/// Searches, and writes down every run as it is made; those of an earlier search that was stopped
/// are not made again. False when it was told to stop.
///
/// # Errors
/// When a run could not be made.
pub async fn search(
    around: &Surroundings,
    settings: &Settings,
    (arm, label): &(Arm, String),
    results: &mut Results,
    output: &Output,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let mut steps: Vec<Step> = vec![];
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
        let probe = (arm, label, rate);
        let Some(run) = probe_at(around, settings, probe, results, output, stop).await? else {
            return Ok(false);
        };
        let step = step(&run);
        eprintln!("  {}", told(&step, &run));
        match step.held {
            true => held = rate,
            false => lost = Some(rate),
        }
        steps.push(step);
    }
    steps.sort_by(|one, other| one.offered_per_s.total_cmp(&other.offered_per_s));
    let held_steps = steps.iter().filter(|step| step.held);
    let points: Vec<(f64, f64)> = held_steps
        .map(|step| (step.offered_per_s, step.goodput_per_s))
        .collect();
    results.capacities.push(Capacity {
        arm: label.clone(),
        held_per_s: held,
        lost_per_s: lost,
        steps,
        knee: Knee::fit(&points),
    });
    output.write_results(results)?;
    Ok(true)
}

/// One rate, tried again when the generator itself was late: that says nothing of the arm.
async fn probe_at(
    around: &Surroundings,
    settings: &Settings,
    (arm, label, rate): (&Arm, &String, f64),
    results: &mut Results,
    output: &Output,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Run>> {
    let mut attempt = 0;
    loop {
        let planned = Planned {
            arm: *arm,
            label: label.clone(),
            scenario: Scenario::Checkout,
            model: Model::Probe { rate },
            replicas: 1,
            remote_sqs: false,
            pair: attempt,
            position: results.runs.len(),
        };
        let known = results.runs.iter().find(|made| is_made(made, &planned));
        let run = match known.cloned() {
            Some(known) => known,
            None => {
                eprintln!("capacity of {label}: {rate:.0} orders/s");
                let Some(run) = one_run(around, settings, &planned, stop).await? else {
                    return Ok(None);
                };
                results.runs.push(run.clone());
                output.write_results(results)?;
                run
            }
        };
        attempt += 1;
        if attempt == ATTEMPTS || holds(&run) || !run.is_late() {
            return Ok(Some(run));
        }
        eprintln!("  once more: {}", run.void.unwrap_or_default());
    }
}

fn step(run: &Run) -> Step {
    Step {
        offered_per_s: run.rate_per_s,
        goodput_per_s: run.goodput_per_s(),
        cpu_ms_per_order: run.cpu_ms_per_order(),
        held: holds(run),
    }
}

fn told(step: &Step, run: &Run) -> String {
    let held = if step.held { "held" } else { "not held" };
    let void = run
        .refusal()
        .map(|reason| format!("; void, because {reason}"));
    format!(
        "{held}: {:.1} settled in time a second, {} errors, {:.2} ms CPU an order{}",
        step.goodput_per_s,
        run.errors,
        step.cpu_ms_per_order,
        void.unwrap_or_default()
    )
}

/// Goodput of 99%, errors under 0.1%, and every promise kept. Orders that settle within the
/// objective leave no growing backlog behind them. A late generator voids a run's latencies; a rate
/// that was held in spite of it was held, for time counts from the slot.
fn holds(run: &Run) -> bool {
    let sound = run.audit.failure().is_none() && (run.void.is_none() || run.is_late());
    sound && !run.has_errors() && run.good as f64 >= 0.99 * run.due as f64
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
            requests: 1_000,
            due: 1_000,
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
            requests: 1_000,
            ..sound.clone()
        }));
        assert!(!holds(&Run {
            void: Some("work was left".into()),
            ..sound.clone()
        }));
        let mut late = Run {
            void: Some("late".into()),
            ..sound.clone()
        };
        late.lag_ms.p99 = 20.0;
        assert!(holds(&late));
        let mut broken = sound;
        broken.audit.checks[0].broken = 1;
        assert!(!holds(&broken));
    }
}
