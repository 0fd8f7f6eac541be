//! The verdicts of a comparison, and how its runs are grouped to be shown.

use std::collections::BTreeSet;

use crate::arms::{Arm, described};
use crate::load::Scenario;
use crate::plan::PROBE;
use crate::results::run::Cell;
use crate::results::{Results, Run};
use crate::statistics::verdict::cell_of;
use crate::statistics::{Comparison, Finding, Measure, compare};

/// The first arm against each of the others, in every cell that both have.
pub fn comparisons(results: &Results) -> Vec<Comparison> {
    let names = &results.settings.arms;
    let Some((base, others)) = names.split_first() else {
        return vec![];
    };
    let mut found = vec![];
    for cell in cells(results) {
        for other in others {
            let runs = &results.runs;
            let there = |name: &str, cell: &Cell| {
                runs.iter()
                    .any(|run| run.arm == name && run.cell() == *cell)
            };
            if there(other, &cell) && there(base, &cell_of(runs, base, &cell)) {
                found.extend(compare(runs, base, other, &cell, results.settings.seed));
            }
        }
    }
    found
}

/// A verdict, ready to be read aloud.
pub struct Verdict {
    /// The arm that is compared with the first one.
    pub other: String,
    pub finding: Finding,
    pub sentence: String,
}

/// The verdicts on every cell of the open model with enough pairs, and one on every cell that is
/// void. Users who wait for their orders hide queues: they are spoken of only where there is
/// nothing else. What holds for all measures of a cell, that it is void or has too few runs, is
/// said once, and the latter only where no cell has enough. With SQS as slow as Amazon's it is the
/// time to settled that is asked for.
pub fn main(results: &Results) -> Vec<Verdict> {
    let comparisons = comparisons(results);
    let none_has_enough = comparisons.iter().all(|one| one.ratio.is_none());
    let only_closed = comparisons.iter().all(|one| one.cell.model == "closed");
    let mut said: Vec<(Cell, String)> = vec![];
    let mut verdicts = vec![];
    for one in comparisons {
        let folded = is_void(&one) || one.ratio.is_none();
        let asked = !one.cell.remote_sqs || one.measure.is_settled();
        let told = said
            .iter()
            .any(|(cell, arm)| *cell == one.cell && *arm == one.other);
        if folded && !told {
            said.push((one.cell.clone(), one.other.clone()));
        }
        let open = only_closed || one.cell.model != "closed";
        let worth = match folded {
            true => !told && (is_void(&one) || open && none_has_enough),
            false => asked && open,
        };
        if worth {
            let sentence = sentence(&one);
            verdicts.push(Verdict {
                other: one.other,
                finding: one.finding,
                sentence,
            });
        }
    }
    verdicts
}

/// The verdict's sentence with the arms' full names.
fn sentence(one: &Comparison) -> String {
    let mut at = at(&one.cell);
    if one.on_local_sqs && one.measure.is_settled() {
        at += ", SQS on this machine";
    }
    capitalised(&one.sentence(&at, &described(&one.base), &described(&one.other)))
}

/// What the method cannot say.
pub fn caveats(results: &Results) -> Vec<String> {
    let mut caveats = vec![];
    let mode = &results.settings.mode;
    if results
        .versions
        .get("profile")
        .is_some_and(|profile| profile == "debug")
    {
        caveats.push("This was a debug build: its figures mean nothing.".to_owned());
    }
    if let Some(floor) = floor(&comparisons(results)).filter(|_| mode != "full") {
        caveats.push(format!(
            "This was the {mode} method. Two identical arms would have differed by up to {:.0}% in \
             CPU by chance alone: it makes no claim finer than that.",
            floor * 100.0
        ));
    }
    let local = |run: &Run| !run.cpu_ms.is_empty() && !run.sqs_calls.is_empty() && !run.remote_sqs;
    if results.runs.iter().any(local) {
        caveats.push(
            "The queue server on this machine answers within a millisecond, and Amazon's does not: \
             only what says \u{201c}SQS as slow as Amazon's\u{201d} was measured with that delay."
                .to_owned(),
        );
    }
    caveats.extend(linger(results));
    if let Some((arm, microseconds)) = &results.settings.planted {
        caveats.push(format!(
            "In {arm} a slowdown was planted on purpose: a door that burns {microseconds} \
             microseconds of CPU an order."
        ));
    }
    if results.settings.storage == "memory" {
        caveats.push("The databases lived in memory: latencies mean nothing here.".to_owned());
    }
    if results.settings.postgres == "given" {
        caveats.push(
            "Postgres was given by its address: its CPU cannot be seen, and is in no figure here."
                .to_owned(),
        );
    }
    // A search for the capacity goes where the generator cannot follow, and is in no verdict.
    let judged: Vec<&Run> = results.runs.iter().filter(|run| !run.is_probe()).collect();
    caveats.extend(lateness(&judged));
    let used = judged.iter().filter_map(|run| run.noise.generator_percent);
    let most = used.fold(0.0, f64::max);
    if most > GENERATOR_LIMIT {
        caveats.push(format!(
            "The load generator used up to {most:.0}% of this machine in a run: latencies there \
             are partly its own."
        ));
    }
    caveats.extend(unsteady(results));
    caveats
}

/// The setting that both headline measures depend on. What a target lingers is not known here, and
/// the monolith sends no messages.
fn linger(results: &Results) -> Option<String> {
    let mut arms = results.settings.arms.iter();
    let sends = arms.any(|label| Arm::from_label(label).is_some_and(|arm| arm != Arm::Monolith));
    (sends && results.settings.postgres != "elsewhere").then(|| LINGER.to_owned())
}

/// The figures are those of docs/adr/0011, and of single orders on an idle system.
const LINGER: &str = "CPU per order and time to settled of every arm but A0 depend on a linger of \
     70 ms: under load, messages that requests push leave in rounds at least 70 ms apart, so that \
     fuller batches save CPU and each order waits 35 ms on average. On another day, at 50 \
     orders/s: with 70 ms, 2.84 times the monolith's CPU per order and 49 ms to settled at the \
     median; with 40 ms, 3.64 times and 32 ms. An order on an idle system waits for no round and \
     settles in about 23 ms.";

fn lateness(runs: &[&Run]) -> Option<String> {
    let late = runs
        .iter()
        .filter(|run| run.void.is_some() && run.is_late());
    let foreign = late.clone().filter_map(|run| run.noise.foreign_percent);
    let meanwhile = match foreign.max_by(f64::total_cmp) {
        Some(most) => format!(": what else ran on this machine took up to {most:.0}% of it"),
        None => String::new(),
    };
    (late.count() > 0).then(|| {
        format!(
            "Runs were void because the generator was late{meanwhile}. Compare again when it is \
             quieter, or at a lower rate."
        )
    })
}

/// The cells in which no run of an arm was steady from the beginning.
fn unsteady(results: &Results) -> Option<String> {
    let unsteady = |runs: &[&Run]| {
        let mut late = runs.iter().map(|run| run.steady_after_s / run.duration_s);
        runs.len() > 1 && late.all(|share| share > UNSTEADY_SHARE)
    };
    let grouped = grouped(results).into_iter();
    let is_constant =
        |run: &&Run| Scenario::from_code(&run.scenario).is_some_and(Scenario::is_constant);
    let constant = grouped.filter(|(_, _, runs)| runs.iter().all(is_constant));
    let cells: Vec<String> = constant
        .filter(|(_, _, runs)| unsteady(runs))
        .map(|(cell, arm, _)| format!("{arm} {cell}"))
        .collect();
    (!cells.is_empty()).then(|| {
        format!(
            "Answers were not as quick at first as later on, or not as slow, in {}: a longer \
             --duration would tell what is usual there.",
            cells.join("; ")
        )
    })
}

/// The share of a load after which it should long be steady.
const UNSTEADY_SHARE: f64 = 1.0 / 3.0;

/// Percent of the machine that the generator may use before the report says so.
const GENERATOR_LIMIT: f64 = 10.0;

fn is_void(comparison: &Comparison) -> bool {
    matches!(comparison.finding, Finding::Void { .. })
}

/// The noise floor of CPU per order in the cell with the most pairs.
fn floor(comparisons: &[Comparison]) -> Option<f64> {
    let cpu = comparisons
        .iter()
        .filter(|one| one.measure == Measure::CpuPerOrder);
    let best = cpu.max_by_key(|one| one.pairs)?;
    best.floor.is_finite().then_some(best.floor - 1.0)
}

/// Every cell that was run, the open model first.
pub fn cells(results: &Results) -> Vec<Cell> {
    let all: BTreeSet<Cell> = results.runs.iter().map(Run::cell).collect();
    let mut cells: Vec<Cell> = all.into_iter().filter(|cell| cell.model != PROBE).collect();
    cells.sort_by_key(|cell| cell.model == "closed");
    cells
}

/// `at 50 orders/s`, and what else is special about the cell.
pub fn at(cell: &Cell) -> String {
    let rate = cell.rate_millis as f64 / 1_000.0;
    let load = match cell.model.as_str() {
        "closed" => format!("with {rate} users"),
        _ => format!("at {rate} orders/s"),
    };
    let scenario = match Scenario::from_code(&cell.scenario) {
        Some(Scenario::Checkout) | None => String::new(),
        Some(scenario) => format!(" ({})", scenario.title()),
    };
    let remote = if cell.remote_sqs {
        ", SQS as slow as Amazon's"
    } else {
        ""
    };
    let replicas = match cell.replicas {
        0 | 1 => String::new(),
        n => format!(", {n} replicas"),
    };
    format!("{load}{scenario}{remote}{replicas}")
}

/// Runs by cell and arm, each with the cell's short title and the arm's name; void ones left out.
pub fn grouped(results: &Results) -> Vec<(String, String, Vec<&Run>)> {
    let mut groups = vec![];
    for cell in cells(results) {
        for arm in results.arm_names() {
            let runs: Vec<&Run> = results
                .runs
                .iter()
                .filter(|run| run.arm == arm && run.cell() == cell && run.refusal().is_none())
                .collect();
            if !runs.is_empty() {
                groups.push((short(&cell), arm.to_owned(), runs));
            }
        }
    }
    groups
}

/// `S1 50/s, slow SQS`
pub fn short(cell: &Cell) -> String {
    let rate = cell.rate_millis as f64 / 1_000.0;
    let load = if cell.model == "closed" {
        format!("{rate} users")
    } else {
        format!("{rate}/s")
    };
    let remote = if cell.remote_sqs { ", slow SQS" } else { "" };
    let replicas = if cell.replicas > 1 {
        format!(", x{}", cell.replicas)
    } else {
        String::new()
    };
    format!("{} {load}{remote}{replicas}", cell.scenario)
}

pub fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
