//! The caveats of a comparison: what its figures depend on, and what the method cannot show.

use crate::headline::comparisons;
use crate::model::{Arm, Method, PostgresPlace, Results, Run, Storage};
use crate::selection::grouped;
use crate::{Comparison, Measure};

/// The share of a load after which it should have become steady.
const UNSTEADY_SHARE: f64 = 1.0 / 3.0;
/// Percent of the machine that the generator may use before the report warns.
const GENERATOR_LIMIT: f64 = 10.0;
/// The figures are those of docs/adr/0011, and of single orders on an idle system.
const LINGER: &str = "CPU per order and time to settled of every arm but A0 depend on a linger of \
     70 ms: under load, messages that requests push leave in rounds at least 70 ms apart, so that \
     fuller batches save CPU and each order waits 35 ms on average. On another day, at 50 \
     orders/s: with 70 ms, 2.84 times the monolith's CPU per order and 49 ms to settled at the \
     median; with 40 ms, 3.64 times and 32 ms. An order on an idle system waits for no round and \
     settles in about 23 ms.";

/// Each as a sentence or two, the most important first.
pub fn caveats(results: &Results) -> Vec<String> {
    let settings = &results.settings;
    let mut caveats = vec![];
    if results
        .versions
        .get("profile")
        .is_some_and(|profile| profile == "debug")
    {
        caveats.push("This was a debug build: its figures mean nothing.".to_owned());
    }
    caveats.extend(noise_floor(results));
    caveats.extend(local_queues(results));
    caveats.extend(linger(results));
    if let Some((arm, microseconds)) = &settings.injected_slowdown {
        caveats.push(format!(
            "{arm} was slowed down on purpose: a proxy in front of it burns {microseconds} \
             microseconds of CPU per order."
        ));
    }
    if settings.storage == Storage::Memory {
        caveats.push("The databases were in memory: latencies mean nothing here.".to_owned());
    }
    if settings.postgres == PostgresPlace::External {
        caveats.push(
            "Postgres was a server that ran already: its CPU cannot be seen, and no figure here \
             includes it."
                .to_owned(),
        );
    }
    // The search for a capacity exceeds what the generator can send in time, and is in no verdict.
    let judged: Vec<&Run> = results
        .runs
        .iter()
        .filter(|run| !run.load.is_probe())
        .collect();
    caveats.extend(lateness(&judged));
    caveats.extend(generator(&judged));
    caveats.extend(unsteady(results));
    caveats
}

fn noise_floor(results: &Results) -> Option<String> {
    let method = results.settings.method;
    let floor = floor(&comparisons(results)).filter(|_| method != Method::Full)?;
    Some(format!(
        "Two identical arms would have differed by up to {:.0}% in CPU by chance alone. The \
         {method} method makes no claim finer than that.",
        floor * 100.0
    ))
}

/// The noise floor of CPU per order in the cell with the most pairs.
fn floor(comparisons: &[Comparison]) -> Option<f64> {
    let cpu = comparisons
        .iter()
        .filter(|one| one.measure == Measure::CpuPerOrder);
    let best = cpu.max_by_key(|one| one.pairs)?;
    best.floor.is_finite().then_some(best.floor - 1.0)
}

fn local_queues(results: &Results) -> Option<String> {
    let local = |run: &Run| !run.cpu_ms.is_empty() && !run.sqs_calls.is_empty() && !run.remote_sqs;
    results.runs.iter().any(local).then(|| {
        "The queue server on this machine answers within a millisecond, and Amazon's does not: \
         only figures with \u{201c}SQS as slow as Amazon's\u{201d} were measured with that delay."
            .to_owned()
    })
}

/// The setting that both headline measures depend on. A target's linger is not known here, and
/// the monolith sends no messages.
fn linger(results: &Results) -> Option<String> {
    let mut arms = results.settings.arms.iter().filter_map(|name| name.arm());
    let sends = arms.any(|arm| arm != Arm::Monolith);
    (sends && results.settings.postgres != PostgresPlace::Elsewhere).then(|| LINGER.to_owned())
}

fn lateness(runs: &[&Run]) -> Option<String> {
    let late = runs
        .iter()
        .filter(|run| run.void.is_some() && run.is_late());
    let others = late
        .clone()
        .filter_map(|run| run.noise.other_processes_percent);
    let meanwhile = match others.max_by(f64::total_cmp) {
        Some(most) => format!(": other processes used up to {most:.0}% of this machine"),
        None => String::new(),
    };
    (late.count() > 0).then(|| {
        format!(
            "Runs were void because the generator was late{meanwhile}. Compare again when the \
             machine is quieter, or at a lower rate."
        )
    })
}

fn generator(runs: &[&Run]) -> Option<String> {
    let used = runs.iter().filter_map(|run| run.noise.generator_percent);
    let most = used.fold(0.0, f64::max);
    (most > GENERATOR_LIMIT).then(|| {
        format!(
            "The load generator used up to {most:.0}% of this machine in a run: latencies there \
             are partly its own."
        )
    })
}

/// Names the cells in which no run of an arm was steady from the beginning.
fn unsteady(results: &Results) -> Option<String> {
    let unsteady = |runs: &[&Run]| {
        let mut late = runs.iter().map(|run| run.steady_after_s / run.duration_s);
        runs.len() > 1 && late.all(|share| share > UNSTEADY_SHARE)
    };
    let constant = grouped(results)
        .into_iter()
        .filter(|(cell, ..)| cell.scenario.is_constant());
    let cells: Vec<String> = constant
        .filter(|(_, _, runs)| unsteady(runs))
        .map(|(cell, arm, _)| format!("{arm} {cell}"))
        .collect();
    (!cells.is_empty()).then(|| {
        format!(
            "Latencies at the beginning differed from later ones in {}: a longer --duration \
             would show steady ones.",
            cells.join("; ")
        )
    })
}
