//! The drawings, each with the words it needs.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, PreEscaped, html};

use super::charts::{self, variable_of};
use super::tables::number;
use crate::arms::described;
use crate::load::Scenario;
use crate::results::run::{Cell, OUTSIDE};
use crate::results::{Results, Run};
use crate::statistics::verdict::cell_of;
use crate::statistics::{Comparison, Finding, median};
use crate::verdicts::{self, capitalised};

/// The cell that was planned with the most pairs, among those of which there is anything to show:
/// a void run takes it nothing.
pub(super) fn main_cell(results: &Results) -> Option<Cell> {
    let planned = |cell: &Cell| {
        let of_cell = || results.runs.iter().filter(|run| run.cell() == *cell);
        let pairs: BTreeSet<usize> = of_cell().map(|run| run.pair).collect();
        let shown = of_cell().any(|run| run.refusal().is_none());
        (shown, cell.model != "closed", pairs.len())
    };
    // Of equals the last wins: the plain cell before the one with slow SQS.
    verdicts::cells(results)
        .into_iter()
        .rev()
        .max_by_key(planned)
}

/// Of each arm, its sound runs in a cell. Where SQS is slow, an arm that needs none is as it was.
pub(super) fn by_arm<'a>(results: &'a Results, cell: &Cell) -> Vec<(&'a str, Vec<&'a Run>)> {
    let arms = results.settings.arms.iter().map(|label| {
        let own = cell_of(&results.runs, label, cell);
        let runs = results
            .runs
            .iter()
            .filter(|run| run.arm == *label && run.cell() == own && run.refusal().is_none());
        (label.as_str(), runs.collect::<Vec<_>>())
    });
    arms.filter(|(_, runs)| !runs.is_empty()).collect()
}

/// The run whose median time to settle is the median of its kind: no average was ever observed.
fn typical<'a>(runs: &[&'a Run]) -> Option<&'a Run> {
    let mut sorted = runs.to_vec();
    sorted.sort_by(|one, other| one.settled_ms.p50.total_cmp(&other.settled_ms.p50));
    sorted.get(sorted.len() / 2).copied()
}

pub(super) fn ratios(results: &Results) -> Markup {
    let all = verdicts::comparisons(results);
    let others = results.settings.arms.iter().skip(1);
    html! {
        @for other in others {
            @for cell in verdicts::cells(results) {
                @let rows = shown(&all, other, &cell);
                @if let Some(svg) = charts::forest(&rows) {
                    h2 { (capitalised(&described(other))) " beside " (described(&rows[0].base)) ", "
                        (verdicts::at(&cell)) }
                    figure {
                        (PreEscaped(svg))
                        figcaption {
                            "Ratio of " (other) " to " (rows[0].base) ": the mean over "
                            (rows[0].pairs) " pairs of runs and its 95% interval. To the right of \
                            1x, " (other) " takes more. Within the grey band, 5% either way, arms \
                            count as equal."
                        }
                    }
                }
            }
        }
    }
}

/// What is void has no number, and so no drawing.
fn shown<'a>(all: &'a [Comparison], other: &str, cell: &Cell) -> Vec<&'a Comparison> {
    let ours = all
        .iter()
        .filter(|one| one.other == other && one.cell == *cell);
    ours.filter(|one| !matches!(one.finding, Finding::Void { .. }))
        .collect()
}

pub(super) fn latencies(results: &Results) -> Markup {
    html! {
        @for cell in verdicts::cells(results) {
            @let arms = by_arm(results, &cell);
            @let runs: Vec<&Run> = arms.iter().filter_map(|(_, runs)| typical(runs)).collect();
            @if cell.scenario == "S1" && cell.model == "open" && !runs.is_empty() {
                h2 { "Answered and settled, " (verdicts::at(&cell)) }
                (legend(&runs, "settled", "answered"))
                figure {
                    (PreEscaped(charts::latency(&runs)))
                    figcaption { "Both count from the moment the order was due, not from when it \
                        was sent. A shop may answer before it knows what becomes of the order: \
                        where the two curves of an arm part, the customer is waiting without a \
                            word." }
                }
            }
        }
    }
}

pub(super) fn legend(runs: &[&Run], full: &str, dashed: &str) -> Markup {
    html! {
        p.legend {
            @for run in runs {
                @let color = format!("border-color:{}", variable_of(&run.arm));
                span { i style=(color) {} (run.arm) " " (full) }
                span { i.dashed style=(color) {} (run.arm) " " (dashed) }
            }
        }
    }
}

/// Where the CPU goes: the steps of the dial, or at least the pieces of each arm.
pub(super) fn dial(results: &Results) -> Markup {
    let Some(cell) = main_cell(results) else {
        return html! {};
    };
    let bars: Vec<charts::Bar> = by_arm(results, &cell)
        .into_iter()
        .map(|(arm, runs)| charts::Bar {
            arm: arm.to_owned(),
            pieces: pieces(&runs, |name| !name.starts_with(OUTSIDE)),
        })
        .collect();
    if bars.iter().all(|bar| bar.pieces.is_empty()) {
        return html! {};
    }
    html! {
        h2 { "Where the CPU of an order goes" }
        figure {
            (PreEscaped(charts::cpu(&bars)))
            figcaption { "Milliseconds of CPU per settled order, " (verdicts::at(&cell)) ", \
                medians over runs, by process. Under each bar, what it takes more than the one \
                above, and what was changed." }
        }
    }
}

/// CPU milliseconds per order by process, largest first, of those that are wanted.
pub(super) fn pieces(runs: &[&Run], wanted: fn(&str) -> bool) -> Vec<(String, f64)> {
    let mut of: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in runs {
        for (name, ms) in run.cpu_ms.iter().filter(|(name, _)| wanted(name)) {
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

pub(super) fn capacities(results: &Results) -> Markup {
    let capacities = &results.capacities;
    if capacities.is_empty() {
        return html! {};
    }
    let cost = capacities.iter().flat_map(|one| &one.steps);
    let cost = cost.filter(|step| step.held).count() > capacities.len();
    html! {
        h2 { "How much each can take" }
        (arms_legend(capacities.iter().map(|one| one.arm.as_str())))
        figure {
            (PreEscaped(charts::capacity(capacities)))
            figcaption { "Full dots are rates that were held, rings rates that were not; on the \
                dotted line everything offered is settled in time. The lines are the universal \
                scalability law fitted to the rates that were held, never drawn past twice those. \
                An arrival rate is not the number of users that the law is about: they show where \
                throughput begins to fall behind, and foretell no peak." }
        }
        @for one in capacities {
            p {
                (capitalised(&described(&one.arm)))
                @if one.held_per_s > 0.0 { " held " (number(one.held_per_s)) " orders/s" }
                @else { " held none of the rates that were tried" }
                @if let Some(lost) = one.lost_per_s { " and did not hold " (number(lost)) }
                ", with 99% of them settled in time and errors under 0.1%."
                @if one.knee.is_none() { " Too few rates were held for a law." }
            }
        }
        @if cost {
            h2 { "What an order costs as the rate grows" }
            (arms_legend(capacities.iter().map(|one| one.arm.as_str())))
            figure {
                (PreEscaped(charts::cost(capacities)))
                figcaption { "One run a dot, of the search above; only rates that were held." }
            }
        }
    }
}

fn arms_legend<'a>(arms: impl Iterator<Item = &'a str>) -> Markup {
    html! {
        p.legend {
            @for arm in arms {
                span { i style=(format!("border-color:{}", variable_of(arm))) {} (described(arm)) }
            }
        }
    }
}

/// Loads whose rate changes, second by second.
pub(super) fn changing(results: &Results) -> Markup {
    html! {
        @for cell in verdicts::cells(results) {
            @match Scenario::from_code(&cell.scenario) {
                Some(Scenario::Burst) => (over_time(results, &cell, "A burst and its drain, from \
                    {} orders/s to three times that")),
                Some(Scenario::Ramp) => (over_time(results, &cell, "A ramp, from half of {} \
                    orders/s to half as much again")),
                _ => {}
            }
        }
    }
}

fn over_time(results: &Results, cell: &Cell, title: &str) -> Markup {
    let arms = by_arm(results, cell);
    let runs: Vec<&Run> = arms.iter().filter_map(|(_, runs)| typical(runs)).collect();
    html! {
        @if !runs.is_empty() {
            section.whole {
                h2 { (title.replace("{}", &(cell.rate_millis / 1_000).to_string())) }
                (legend(&runs, "settled each second", "waiting at its end"))
                figure {
                    (PreEscaped(charts::over_time(&runs)))
                    figcaption { "The thin grey line is what was offered." }
                }
            }
        }
    }
}
