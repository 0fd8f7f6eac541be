//! The difference between two comparisons: of two commits, or of two machines.

use std::fmt::Write as _;

use analysis::Finding;
use analysis::change::{Change, between};
use analysis::model::Results;
use analysis::selection::{cells, valid};

/// Says for every arm and cell of both what changed from the one to the other.
///
/// # Errors
/// When the two have no cell in common.
pub fn diff(before: &Results, after: &Results) -> anyhow::Result<String> {
    let mut text = String::new();
    let (old, new) = (origin(before), origin(after));
    writeln!(text, "before: {old}\nafter:  {new}\n")?;
    for difference in different_settings(before, after)? {
        writeln!(text, "The settings differ too: {difference}")?;
    }
    let mut common = 0;
    for cell in cells(before) {
        for arm in before.arm_names() {
            let (old, new) = (valid(before, arm, &cell), valid(after, arm, &cell));
            if old.is_empty() || new.is_empty() {
                continue;
            }
            common += 1;
            writeln!(text, "{arm} {}", cell.phrase())?;
            for one in between(&old, &new) {
                writeln!(text, "  {}", line(&one))?;
            }
        }
    }
    if common == 0 {
        anyhow::bail!("the two have no arm and load in common: run both with the same options");
    }
    Ok(text)
}

/// Settings that are not the same in both: they may explain a change too.
pub(crate) fn different_settings(before: &Results, after: &Results) -> anyhow::Result<Vec<String>> {
    let [before, after] = [before, after].map(|results| serde_json::to_value(&results.settings));
    let (before, after) = (before?, after?);
    let all = before.as_object().into_iter().flatten();
    let different = all.filter(|(name, value)| after.get(*name) != Some(value));
    let described = different.map(|(name, value)| format!("{name} {value} -> {}", after[name]));
    Ok(described.collect())
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
