//! `cargo compare diff before.json after.json`: two commits, or two machines.

use std::path::Path;
use std::process::ExitCode;

use crate::output::read_results;
use crate::results::run::Cell;
use crate::results::{Results, Run};
use crate::statistics::Finding;
use crate::statistics::welch::{Change, between};
use crate::verdicts;

/// Prints, for every arm and cell that both have, what changed from the one to the other.
///
/// # Errors
/// When a file cannot be read, or the two have no cell in common.
pub fn diff(before: &Path, after: &Path) -> anyhow::Result<ExitCode> {
    let (before, after) = (read_results(before)?, read_results(after)?);
    println!("before: {}\nafter:  {}\n", origin(&before), origin(&after));
    for difference in different_settings(&before, &after)? {
        println!("Not alike but for the change: {difference}");
    }
    let mut common = 0;
    for cell in verdicts::cells(&before) {
        for arm in before.arm_names() {
            let (old, new) = (sound(&before, arm, &cell), sound(&after, arm, &cell));
            if old.is_empty() || new.is_empty() {
                continue;
            }
            common += 1;
            println!("{arm} {}", verdicts::at(&cell));
            for one in between(&old, &new) {
                println!("  {}", line(&one));
            }
        }
    }
    if common == 0 {
        anyhow::bail!("the two have no arm and load in common: run both with the same options");
    }
    Ok(ExitCode::SUCCESS)
}

/// What may explain a change as well: settings that are not the same in both.
pub(super) fn different_settings(before: &Results, after: &Results) -> anyhow::Result<Vec<String>> {
    let [before, after] = [before, after].map(|results| serde_json::to_value(&results.settings));
    let (before, after) = (before?, after?);
    let all = before.as_object().into_iter().flatten();
    let different = all.filter(|(name, value)| after.get(*name) != Some(value));
    let told = different.map(|(name, value)| format!("{name} {value} -> {}", after[name]));
    Ok(told.collect())
}

fn origin(results: &Results) -> String {
    let commit = results
        .versions
        .get("commit")
        .map_or("unknown", String::as_str);
    let machine = &results.machine;
    let (processor, cores) = (&machine.processor, machine.cores);
    format!(
        "{}, commit {commit}, {processor}, {cores} cores",
        results.started_at
    )
}

fn sound<'a>(results: &'a Results, arm: &str, cell: &Cell) -> Vec<&'a Run> {
    let runs = results
        .runs
        .iter()
        .filter(|run| run.arm == arm && run.cell() == *cell);
    runs.filter(|run| run.refusal().is_none()).collect()
}

fn line(one: &Change) -> String {
    let change = match one.ratio {
        Some(ratio) => ratio.mean,
        None => one.after_ms / one.before_ms,
    };
    let interval = match one.ratio {
        Some(ratio) => format!("{:.2} to {:.2}", ratio.low, ratio.high),
        None => "too few runs for an interval".to_owned(),
    };
    let verdict = match one.finding {
        Finding::Ratio => "changed",
        Finding::NoDifference => "no difference shown",
        _ => "inconclusive",
    };
    let name = one.measure.name();
    let (before, after) = (one.before_ms, one.after_ms);
    format!("{name:<24} {before:>8.2} -> {after:>8.2} ms  x{change:.2} ({interval})  {verdict}")
}
