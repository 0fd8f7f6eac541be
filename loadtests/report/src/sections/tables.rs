//! The tables: figures, percentiles, replicas and prices.

use analysis::model::{Quantiles, Results, Run};
use analysis::selection::{by_arm, cells, grouped, main_cell};
use analysis::statistics::median;
use maud::{Markup, html};

use crate::format::number;
use crate::prices::{Bill, Prices};

const MIB: f64 = 1_048_576.0;

type Figure = fn(&Run) -> f64;

/// The figures side by side, medians over runs.
pub(crate) fn headline(results: &Results) -> Markup {
    let Some(cell) = main_cell(results) else {
        return html! {};
    };
    let arms = by_arm(results, &cell);
    let rows: [(&str, Figure); 7] = [
        ("CPU per settled order, ms", Run::cpu_ms_per_order),
        ("goodput, orders/s", Run::goodput_per_s),
        ("peak memory, MiB", |run| run.memory() / MIB),
        ("Postgres statements per order", Run::statements_per_order),
        ("Postgres commits per order", Run::commits_per_order),
        ("write-ahead log, bytes per order", Run::wal_per_order),
        ("SQS calls per order", Run::sqs_calls_per_order),
    ];
    html! {
        h2 { "The figures, " (cell.phrase()) }
        div.wide { table {
            thead { tr {
                th { "median over runs" }
                @for (arm, _) in &arms { th { (arm.phrase()) } }
            } }
            tbody { @for (name, of) in rows { tr {
                td { (name) }
                @for (_, runs) in &arms {
                    td { (number(median(runs.iter().map(|run| of(run))))) }
                }
            } } }
        } }
        p.note { "CPU is that of the arm's own processes and of its Postgres, from the first \
            measured order until the last one is dispatched and captured. Goodput counts orders \
            settled within " (results.settings.objective_ms) " ms. Begin and commit count as \
            statements. Memory is that of the arm's processes, without Postgres." }
    }
}

/// Answered and settled, always side by side, in every cell.
pub(crate) fn percentiles(results: &Results) -> Markup {
    type Part = fn(&Quantiles) -> f64;
    type Kind = fn(&Run) -> &Quantiles;
    let rows: [(&str, Part); 5] = [
        ("p50", |of| of.p50),
        ("p90", |of| of.p90),
        ("p99", |of| of.p99),
        (
            "p99.9",
            |of| if of.count < 1_000 { f64::NAN } else { of.p999 },
        ),
        ("slowest", |of| of.max),
    ];
    let cells = grouped(results);
    html! {
        h2 { "Answered and settled, milliseconds" }
        div.wide { table {
            thead { tr {
                th { "load" } th.text { "arm" } th.roomy { "runs" } th.text { "" }
                @for (name, _) in rows { th { (name) } }
            } }
            tbody { @for (load, arm, runs) in cells {
                @let kinds: [(&str, Kind); 2] = [
                    ("answered", |run| &run.acknowledged_ms),
                    ("settled", |run| &run.settled_ms),
                ];
                @for (n, (kind, of)) in kinds.into_iter().enumerate() { tr {
                    @if n == 0 {
                        td rowspan="2" { (load) } td.text.short rowspan="2" { (arm) }
                        td.roomy rowspan="2" { (runs.len()) }
                    }
                    td.text.short { (kind) }
                    @for (_, part) in rows {
                        td { (number(median(runs.iter().map(|run| part(of(run)))))) }
                    }
                } }
            } }
        } }
        p.note { "Medians over runs. Both count from the moment the order was due. With fewer than \
            a thousand orders per run, p99.9 would be the slowest order, and is left out." }
    }
}

/// The effect of replicas, where a number of users order as fast as their orders settle.
pub(crate) fn replicas(results: &Results) -> Markup {
    let cells: Vec<_> = cells(results)
        .into_iter()
        .filter(|cell| cell.load.is_closed())
        .collect();
    if cells.is_empty() {
        return html! {};
    }
    html! {
        h2 { "As fast as orders settle" }
        div.wide { table {
            thead { tr {
                th { "load" } th.text { "arm" } th { "settled in time per second" }
                th { "CPU ms per order" } th { "settled p99, ms" }
            } }
            tbody { @for cell in &cells { @for (arm, runs) in by_arm(results, cell) { tr {
                td { (cell) } td.text.short { (arm) }
                td { (number(median(runs.iter().map(|run| run.goodput_per_s())))) }
                td { (number(median(runs.iter().map(|run| run.cpu_ms_per_order())))) }
                td { (number(median(runs.iter().map(|run| run.settled_ms.p99)))) }
            } } } }
        } }
        p.note { "In the closed model each user orders again as soon as the last order is \
            settled. It shows how much fits on this machine, and hides queues: the open model \
            shows more of latencies. x2 to x4 are replicas of every service, or of the monolith." }
    }
}

pub(crate) fn money(results: &Results) -> anyhow::Result<Markup> {
    let Some(cell) = main_cell(results) else {
        return Ok(html! {});
    };
    let prices = Prices::from_data()?;
    let rows: Vec<_> = by_arm(results, &cell)
        .into_iter()
        .map(|(arm, runs)| {
            let of = |part: fn(Bill) -> f64| median(runs.iter().map(|run| part(prices.bill(run))));
            (arm, of(|bill| bill.cpu_usd), of(|bill| bill.sqs_usd))
        })
        .collect();
    Ok(html! {
        h2 { "The price of a million orders, in dollars" }
        div.wide { table {
            thead { tr { th { "arm" } th { "CPU" } th { "SQS" } th { "together" } } }
            tbody { @for (arm, cpu, sqs) in rows { tr {
                td { (arm.phrase()) }
                td { (format!("{cpu:.3}")) } td { (format!("{sqs:.3}")) }
                td { (format!("{:.3}", cpu + sqs)) }
            } } }
        } }
        p.note { "Prices of " (prices.as_of) ": " (prices.source) ". The CPU is priced at \
            full use: a service that is half idle costs twice as much." }
    })
}
