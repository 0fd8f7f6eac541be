//! The capacity of an arm: the highest rate that it holds, found by doubling and then bisecting.

use analysis::model::{ArmName, Capacity, LoadModel, Probe, Rate, Run, Scenario};
use analysis::statistics::usl::Knee;
use harness::run::RunSpec;

use crate::experiment::Experiment;
use crate::sequence::is_made;

/// Orders per second of the first probe. Each later probe doubles the rate until one is not held.
const FIRST_RATE: f64 = 25.0;
/// The search ends at this rate, which no machine is expected to hold.
const LAST_RATE: f64 = 12_800.0;
/// Attempts at one rate, while the generator is late.
const ATTEMPTS: usize = 3;
/// Probes of the bisection: four bring the two ends within a sixteenth of the last doubling.
const BISECTIONS: usize = 4;

/// Searches for the capacity of one arm, and records every run as it is made. Runs of an earlier
/// search that was stopped are not made again. Returns false when it was stopped.
///
/// # Errors
/// When a run could not be made.
pub(crate) async fn search(experiment: &mut Experiment<'_>, arm: &ArmName) -> anyhow::Result<bool> {
    let mut probes: Vec<Probe> = vec![];
    let (mut held, mut lost) = (0.0, None);
    let mut bisections = 0;
    while bisections < BISECTIONS && held < LAST_RATE {
        let rate = match lost {
            None if held == 0.0 => FIRST_RATE,
            None => held * 2.0,
            Some(lost) => {
                bisections += 1;
                (held + lost) / 2.0
            }
        };
        let Some(run) = run_at(experiment, arm, Rate::per_s(rate)).await? else {
            return Ok(false);
        };
        let probe = probe(&run, rate);
        eprintln!("  {}", described(&probe, &run));
        match probe.held {
            true => held = rate,
            false => lost = Some(rate),
        }
        probes.push(probe);
    }
    probes.sort_by(|one, other| one.offered_per_s.total_cmp(&other.offered_per_s));
    let held_probes = probes.iter().filter(|probe| probe.held);
    let points: Vec<(f64, f64)> = held_probes
        .map(|probe| (probe.offered_per_s, probe.goodput_per_s))
        .collect();
    experiment.results.capacities.push(Capacity {
        arm: arm.clone(),
        held_per_s: held,
        lost_per_s: lost,
        probes,
        knee: Knee::fit(&points),
    });
    experiment.output.write_results(&experiment.results)?;
    Ok(true)
}

/// Runs the arm at one rate, and again when the generator was late, which says nothing about the
/// arm.
async fn run_at(
    experiment: &mut Experiment<'_>,
    arm: &ArmName,
    rate: Rate,
) -> anyhow::Result<Option<Run>> {
    let mut attempt = 0;
    loop {
        let spec = RunSpec {
            arm: arm.clone(),
            scenario: Scenario::Checkout,
            load: LoadModel::Probe(rate),
            replicas: 1,
            remote_sqs: false,
            pair: attempt,
            position: experiment.results.runs.len(),
        };
        let mut earlier = experiment.results.runs.iter();
        let run = match earlier.find(|made| is_made(made, &spec)).cloned() {
            Some(earlier) => earlier,
            None => {
                eprintln!("capacity of {arm}: {:.0} orders/s", rate.get());
                let Some(run) = experiment.run(&spec).await? else {
                    return Ok(None);
                };
                experiment.record(run.clone())?;
                run
            }
        };
        attempt += 1;
        if attempt == ATTEMPTS || holds(&run) || !run.is_late() {
            return Ok(Some(run));
        }
        eprintln!("  repeated, because {}", run.void.unwrap_or_default());
    }
}

fn probe(run: &Run, offered_per_s: f64) -> Probe {
    Probe {
        offered_per_s,
        goodput_per_s: run.goodput_per_s(),
        cpu_ms_per_order: run.cpu_ms_per_order(),
        held: holds(run),
    }
}

fn described(probe: &Probe, run: &Run) -> String {
    let held = if probe.held { "held" } else { "not held" };
    let void = run
        .refusal()
        .map(|reason| format!("; void, because {reason}"));
    format!(
        "{held}: {:.1} orders/s settled in time, {} errors, {:.2} ms of CPU per order{}",
        probe.goodput_per_s,
        run.errors,
        probe.cpu_ms_per_order,
        void.unwrap_or_default()
    )
}

/// Whether a run held its rate: goodput of 99%, errors under 0.1%, and every promise kept. Orders
/// that settle within the objective leave no growing backlog. A late generator voids the latencies
/// of a run; a rate that was held in spite of it was held, since times count from the moment an
/// order was due.
fn holds(run: &Run) -> bool {
    let counts = run.audit.failure().is_none() && (run.void.is_none() || run.is_late());
    counts && !run.has_errors() && run.good as f64 >= 0.99 * run.due as f64
}

#[cfg(test)]
mod tests {
    use analysis::model::{Audit, Check};

    use super::*;

    #[test]
    fn a_rate_is_held_only_in_time_without_errors_and_with_every_promise_kept() {
        let kept = Check {
            promise: "kept".into(),
            examined: 1,
            broken: 0,
            example: None,
        };
        let held = Run {
            load: LoadModel::Probe(Rate::per_s(100.0)),
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
        assert!(holds(&held));
        assert!(!holds(&Run {
            good: 985,
            ..held.clone()
        }));
        assert!(!holds(&Run {
            errors: 2,
            requests: 1_000,
            ..held.clone()
        }));
        assert!(!holds(&Run {
            void: Some("work was left".into()),
            ..held.clone()
        }));
        let mut late = Run {
            void: Some("late".into()),
            ..held.clone()
        };
        late.send_delay_ms.p99 = 20.0;
        assert!(holds(&late));
        let mut broken = held;
        broken.audit.checks[0].broken = 1;
        assert!(!holds(&broken));
    }
}
