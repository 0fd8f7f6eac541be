//! The charts, each with the words that it needs.

use analysis::Comparison;
use analysis::headline::comparisons;
use analysis::model::{ArmName, Cell, LoadModel, Results, Run, Scenario};
use analysis::selection::{by_arm, cells};
use analysis::sentences::capitalised;
use maud::{Markup, PreEscaped, html};

use crate::charts;
use crate::charts::canvas::variable_of;
use crate::format::number;

/// The run whose median time to settled is the median over the runs. It was observed; an average
/// was not.
fn typical<'a>(runs: &[&'a Run]) -> Option<&'a Run> {
    let mut sorted = runs.to_vec();
    sorted.sort_by(|one, other| one.settled_ms.p50.total_cmp(&other.settled_ms.p50));
    sorted.get(sorted.len() / 2).copied()
}

pub(crate) fn ratios(results: &Results) -> Markup {
    let all = comparisons(results);
    let others = results.settings.arms.iter().skip(1);
    html! {
        @for other in others {
            @for cell in cells(results) {
                @let rows = shown(&all, other, &cell);
                @if let Some(svg) = charts::forest(&rows) {
                    h2 { (capitalised(&other.phrase())) " against " (rows[0].base.phrase()) ", "
                        (cell.phrase()) }
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

/// The comparisons of one arm in one cell. Void ones have no number, and so no chart.
fn shown<'a>(all: &'a [Comparison], other: &ArmName, cell: &Cell) -> Vec<&'a Comparison> {
    let ours = all
        .iter()
        .filter(|one| one.other == *other && one.cell == *cell);
    ours.filter(|one| !one.is_void()).collect()
}

pub(crate) fn latencies(results: &Results) -> Markup {
    html! {
        @for cell in cells(results) {
            @let arms = by_arm(results, &cell);
            @let runs: Vec<&Run> = arms.iter().filter_map(|(_, runs)| typical(runs)).collect();
            @if cell.scenario == Scenario::Checkout && cell.load.is_open() && !runs.is_empty() {
                h2 { "Answered and settled, " (cell.phrase()) }
                (legend(&runs, "settled", "answered"))
                figure {
                    (PreEscaped(charts::latency(&runs)))
                    figcaption { "Both count from the moment the order was due, not from when it \
                        was sent. A shop may answer before an order is settled: where the two \
                        curves of an arm part, the customer has an answer and waits for the \
                        result." }
                }
            }
        }
    }
}

pub(crate) fn legend(runs: &[&Run], full: &str, dashed: &str) -> Markup {
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

pub(crate) fn capacities(results: &Results) -> Markup {
    let capacities = &results.capacities;
    if capacities.is_empty() {
        return html! {};
    }
    let cost = capacities.iter().flat_map(|one| &one.probes);
    let cost = cost.filter(|probe| probe.held).count() > capacities.len();
    html! {
        h2 { "The capacity of each arm" }
        (arms_legend(capacities.iter().map(|one| &one.arm)))
        figure {
            (PreEscaped(charts::capacity(capacities)))
            figcaption { "Full dots are rates that were held, rings rates that were not. On the \
                dotted line everything offered is settled in time. The lines are the universal \
                scalability law fitted to the rates that were held, drawn to twice those at most. \
                The law is about numbers of users, and these are arrival rates: a line shows where \
                throughput begins to fall behind, and predicts no peak." }
        }
        @for one in capacities {
            p {
                (capitalised(&one.arm.phrase()))
                @if one.held_per_s > 0.0 { " held " (number(one.held_per_s)) " orders/s" }
                @else { " held none of the rates that were tried" }
                @if let Some(lost) = one.lost_per_s { " and did not hold " (number(lost)) }
                ", with 99% of them settled in time and errors under 0.1%."
                @if one.knee.is_none() { " Too few rates were held for a law." }
            }
        }
        @if cost {
            h2 { "CPU per order as the rate grows" }
            (arms_legend(capacities.iter().map(|one| &one.arm)))
            figure {
                (PreEscaped(charts::cost(capacities)))
                figcaption { "Each dot is one run of the search above, at a rate that was held." }
            }
        }
    }
}

fn arms_legend<'a>(arms: impl Iterator<Item = &'a ArmName>) -> Markup {
    html! {
        p.legend {
            @for arm in arms {
                span { i style=(format!("border-color:{}", variable_of(arm))) {} (arm.phrase()) }
            }
        }
    }
}

/// The loads whose rate changes, second by second.
pub(crate) fn changing(results: &Results) -> Markup {
    html! {
        @for cell in cells(results) {
            @match cell.scenario {
                Scenario::Burst => (over_time(results, &cell, "A burst and its drain, from \
                    {} orders/s to three times that")),
                Scenario::Ramp => (over_time(results, &cell, "A ramp, from half of {} \
                    orders/s to one and a half times that")),
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
                h2 { (title.replace("{}", &rate(cell.load))) }
                (legend(&runs, "settled in each second", "waiting at its end"))
                figure {
                    (PreEscaped(charts::over_time(&runs)))
                    figcaption { "The thin grey line is the number of orders offered." }
                }
            }
        }
    }
}

/// In the closed model the number of users.
fn rate(load: LoadModel) -> String {
    match load {
        LoadModel::Open(rate) | LoadModel::Probe(rate) => rate.to_string(),
        LoadModel::Closed { users } => users.to_string(),
    }
}
