//! The verdicts of a comparison, and how its runs are grouped to be shown.

use std::collections::BTreeSet;

use crate::arms::described;
use crate::load::Scenario;
use crate::plan::PROBE;
use crate::results::run::Cell;
use crate::results::{Results, Run};
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
            let both = [base, other].iter().all(|name| {
                results
                    .runs
                    .iter()
                    .any(|run| run.arm == **name && run.cell() == cell)
            });
            if both {
                found.extend(compare(
                    &results.runs,
                    base,
                    other,
                    &cell,
                    results.settings.seed,
                ));
            }
        }
    }
    found
}

/// A verdict, ready to be read aloud.
pub struct Verdict {
    pub finding: Finding,
    pub sentence: String,
}

/// The verdicts on the cells with the most pairs, and on every cell that is void.
pub fn main(results: &Results) -> Vec<Verdict> {
    let comparisons = comparisons(results);
    let most = comparisons.iter().map(|one| one.pairs).max().unwrap_or(0);
    let main = comparisons
        .into_iter()
        .filter(|one| one.pairs == most && most > 0 || is_void(one));
    main.map(|one| Verdict {
        sentence: sentence(&one),
        finding: one.finding,
    })
    .collect()
}

/// The verdict's sentence with the arms' full names.
fn sentence(one: &Comparison) -> String {
    capitalised(&one.sentence(
        &at(&one.cell),
        &described(&one.base),
        &described(&one.other),
    ))
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
    if mode != "full"
        && let Some(floor) = floor(&comparisons(results))
    {
        caveats.push(format!(
            "This was the {mode} method. Two identical arms would have differed by up to {:.0}% in \
             CPU by chance alone: it makes no claim finer than that.",
            floor * 100.0
        ));
    }
    if results
        .runs
        .iter()
        .any(|run| !run.sqs_calls.is_empty() && !run.remote_sqs)
    {
        caveats.push(
            "The queue server on this machine answers within a millisecond, and Amazon's does not: \
             only what says \u{201c}SQS as slow as Amazon's\u{201d} was measured with that delay."
                .to_owned(),
        );
    }
    caveats
}

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

/// Every cell that was run, in order.
pub fn cells(results: &Results) -> BTreeSet<Cell> {
    results
        .runs
        .iter()
        .map(Run::cell)
        .filter(|cell| cell.model != PROBE)
        .collect()
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

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

pub fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
