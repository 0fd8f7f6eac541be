//! The drawings, each with the words it needs, and the two tables people look for.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::charts::{self, variable_of};
use crate::arms::described;
use crate::prices::Prices;
use crate::results::run::{Cell, OUTSIDE};
use crate::results::{Results, Run};
use crate::verdicts::{self, capitalised, median};

/// The cell with the most runs that count: the one the verdicts are about.
fn main_cell(results: &Results) -> Option<Cell> {
    let sound = |cell: &Cell| {
        let of_cell = results.runs.iter().filter(|run| run.cell() == *cell);
        of_cell.filter(|run| run.refusal().is_none()).count()
    };
    verdicts::cells(results).into_iter().max_by_key(sound)
}

/// Of each arm, its sound runs in a cell.
fn by_arm<'a>(results: &'a Results, cell: &Cell) -> Vec<(&'a str, Vec<&'a Run>)> {
    let arms = results.settings.arms.iter().map(|label| {
        let runs = results
            .runs
            .iter()
            .filter(|run| run.arm == *label && run.cell() == *cell && run.refusal().is_none());
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

type Figure = fn(&Run) -> f64;

/// The figures side by side, medians over runs.
pub(super) fn headline(results: &Results) -> Markup {
    let Some(cell) = main_cell(results) else {
        return html! {};
    };
    let arms = by_arm(results, &cell);
    let rows: [(&str, Figure); 14] = [
        ("CPU per settled order, ms", Run::cpu_ms_per_order),
        ("answered, p50 ms", |run| run.acknowledged_ms.p50),
        ("answered, p99 ms", |run| run.acknowledged_ms.p99),
        ("settled, p50 ms", |run| run.settled_ms.p50),
        ("settled, p90 ms", |run| run.settled_ms.p90),
        ("settled, p99 ms", |run| run.settled_ms.p99),
        ("settled, p99.9 ms", |run| run.settled_ms.p999),
        ("settled, slowest ms", |run| run.settled_ms.max),
        ("goodput, orders/s", Run::goodput_per_s),
        ("peak memory, MiB", |run| run.memory() / 1_048_576.0),
        ("Postgres statements per order", Run::statements_per_order),
        ("Postgres commits per order", Run::commits_per_order),
        ("write-ahead log, bytes per order", Run::wal_per_order),
        ("SQS calls per order", Run::sqs_calls_per_order),
    ];
    html! {
        h2 { "The figures, " (verdicts::at(&cell)) }
        div.wide { table {
            thead { tr {
                th { "median over runs" }
                @for (arm, _) in &arms { th { (described(arm)) } }
            } }
            tbody {
                @for (name, of) in rows {
                    tr {
                        td { (name) }
                        @for (_, runs) in &arms {
                            td { (number(median(runs.iter().map(|run| of(run))))) }
                        }
                    }
                }
            }
        } }
        p.note { "CPU is that of the arm's own processes and of its Postgres, from the first order \
            to the end of the last one's story, dispatch and capture included. The payment \
            provider, the queue server and the load generator are outside both arms and stand \
            with the raw runs." }
    }
}

pub(super) fn ratios(results: &Results) -> Markup {
    let Some(cell) = main_cell(results) else {
        return html! {};
    };
    let all = verdicts::comparisons(results);
    let mut others: Vec<&str> = all.iter().map(|one| one.other.as_str()).collect();
    others.dedup();
    html! {
        @for other in others {
            @let rows: Vec<_> =
                all.iter().filter(|one| one.other == other && one.cell == cell).collect();
            @if let Some(svg) = charts::forest(&rows) {
                h2 { (capitalised(&described(other))) " beside " (described(&rows[0].base)) }
                figure {
                    (PreEscaped(svg))
                    figcaption {
                        "Ratio of " (other) " to " (rows[0].base) ", " (verdicts::at(&cell)) ": "
                        "the mean over " (rows[0].pairs) " pairs of runs and its 95% interval. \
                        To the right of 1x, " (other) " takes more. Within the grey band, 5% \
                        either way, arms count as equal."
                    }
                }
            }
        }
    }
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
            pieces: pieces(&runs),
        })
        .collect();
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

fn pieces(runs: &[&Run]) -> Vec<(String, f64)> {
    let mut of: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in runs {
        for (name, ms) in run
            .cpu_ms
            .iter()
            .filter(|(name, _)| !name.starts_with(OUTSIDE))
        {
            of.entry(name)
                .or_default()
                .push(ms / run.settled.max(1) as f64);
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
    if results.capacities.is_empty() {
        return html! {};
    }
    html! {
        h2 { "How much each can take" }
        figure {
            (PreEscaped(charts::capacity(&results.capacities)))
            figcaption { "Dots are measured; the lines are the universal scalability law fitted to \
                them, never drawn past twice what was measured." }
        }
        @for one in &results.capacities {
            p {
                (described(&one.arm)) " held " (number(one.held_per_s)) " orders/s"
                @if let Some(lost) = one.lost_per_s { " and did not hold " (number(lost)) }
                ", with 99% of them settled in time and errors under 0.1%."
            }
        }
    }
}

pub(super) fn bursts(results: &Results) -> Markup {
    let burst = verdicts::cells(results)
        .into_iter()
        .find(|cell| cell.scenario == "S5");
    let Some(cell) = burst else {
        return html! {};
    };
    let arms = by_arm(results, &cell);
    let runs: Vec<&Run> = arms.iter().filter_map(|(_, runs)| typical(runs)).collect();
    html! {
        h2 { "A burst and its drain, from " (cell.rate_millis / 1_000) " orders/s \
            to three times that" }
        (legend(&runs, "settled each second", "waiting at its end"))
        figure {
            (PreEscaped(charts::burst(&runs)))
            figcaption { "The thin grey line is what was offered." }
        }
    }
}

pub(super) fn money(results: &Results) -> anyhow::Result<Markup> {
    let Some(cell) = main_cell(results) else {
        return Ok(html! {});
    };
    let prices = Prices::from_data()?;
    let rows: Vec<_> = by_arm(results, &cell)
        .into_iter()
        .map(|(arm, runs)| {
            let of = |part: fn(crate::prices::Bill) -> f64| {
                median(runs.iter().map(|run| part(prices.bill(run))))
            };
            (arm, of(|bill| bill.cpu_usd), of(|bill| bill.sqs_usd))
        })
        .collect();
    Ok(html! {
        h2 { "A million orders, in dollars" }
        div.wide { table {
            thead { tr { th { "arm" } th { "CPU" } th { "SQS" } th { "together" } } }
            tbody { @for (arm, cpu, sqs) in rows { tr {
                td { (described(arm)) }
                td { (format!("{cpu:.3}")) } td { (format!("{sqs:.3}")) }
                td { (format!("{:.3}", cpu + sqs)) }
            } } }
        } }
        p.note { "Prices of " (prices.as_of) ": " (prices.source) ". CPU used to the full; a \
            service kept half idle costs twice its part." }
    })
}

/// As many digits as matter.
pub(super) fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "–".to_owned(),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
