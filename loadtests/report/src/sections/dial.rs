//! Where the CPU per order goes, by arm and by process.

use std::collections::BTreeMap;

use analysis::model::{EXTERNAL, Results, Run};
use analysis::selection::{by_arm, main_cell};
use analysis::statistics::median;
use maud::{Markup, PreEscaped, html};

use crate::charts;
use crate::format::number;

const MIB: f64 = 1_048_576.0;

/// The steps of the dial, or at least the pieces of each arm.
pub(crate) fn dial(results: &Results) -> Markup {
    let Some(cell) = main_cell(results) else {
        return html! {};
    };
    let bars: Vec<charts::Bar> = by_arm(results, &cell)
        .into_iter()
        .map(|(arm, runs)| charts::Bar {
            arm: arm.clone(),
            pieces: pieces(&runs, |name| !name.starts_with(EXTERNAL)),
        })
        .collect();
    if bars.iter().all(|bar| bar.pieces.is_empty()) {
        return html! {};
    }
    html! {
        h2 { "Where the CPU per order goes" }
        figure {
            (PreEscaped(charts::cpu(&bars)))
            figcaption { "Milliseconds of CPU per settled order, " (cell.phrase()) ", \
                medians over runs, by process. Under each bar stands how much more it takes \
                than the one above, and what this arm adds." }
        }
    }
}

/// CPU milliseconds per order of the selected processes, largest first.
fn pieces(runs: &[&Run], selected: fn(&str) -> bool) -> Vec<(String, f64)> {
    let mut of: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in runs {
        for (name, ms) in run.cpu_ms.iter().filter(|(name, _)| selected(name)) {
            of.entry(name).or_default().push(run.per_order(*ms));
        }
    }
    let named = of
        .into_iter()
        .map(|(name, ms)| (name.to_owned(), median(ms.into_iter())));
    let mut pieces: Vec<(String, f64)> = named.collect();
    pieces.sort_by(|one, other| other.1.total_cmp(&one.1));
    pieces
}

/// Every process: the arm's own, and the external ones.
pub(crate) fn components(results: &Results) -> Markup {
    let Some(cell) = main_cell(results) else {
        return html! {};
    };
    html! {
        h2 { "By process, " (cell.phrase()) }
        div.wide { table {
            thead { tr {
                th { "arm" } th.text { "process" } th { "CPU ms per order" } th { "peak MiB" }
            } }
            tbody { @for (arm, runs) in by_arm(results, &cell) {
                @for (name, cpu) in pieces(&runs, |name| !name.starts_with(EXTERNAL)) { tr {
                    td { (arm) } td.text.short { (name) } td { (number(cpu)) }
                    td { (number(memory(&runs, &name) / MIB)) }
                } }
                @for (name, cpu) in pieces(&runs, |name| name.starts_with(EXTERNAL)) { tr.outside {
                    td { (arm) } td.text.short { (name.trim_start_matches(EXTERNAL)) ", external" }
                    td { (number(cpu)) } td { "–" }
                } }
            } }
        } }
        p.note { "Medians over runs. External processes belong to neither arm and are in none of \
            their figures. Replicas of a service count as one." }
    }
}

fn memory(runs: &[&Run], name: &str) -> f64 {
    let bytes = runs.iter().filter_map(|run| run.memory_bytes.get(name));
    median(bytes.map(|bytes| *bytes as f64))
}
