//! The evidence: the audit, every raw run, the machine, and what others have measured.

use analysis::model::{Quantiles, Results, Run};
use maud::{Markup, html};

use crate::format::number;
use crate::published;

pub(crate) fn published() -> anyhow::Result<Markup> {
    let published = published::published()?;
    Ok(html! {
        h2 { "What others have measured" }
        div.wide { table {
            thead { tr { th { "finding" } th.text { "on what" } th.text { "source" } } }
            tbody { @for one in published { tr {
                td.text { (one.finding) } td.text { (one.work) } td.text { (one.source) }
            } } }
        } }
        p.note { "None of them measures the time to an order's final state or audits its runs, \
            and their guarantees are weaker than the ones checked here." }
    })
}

/// Every promise, with its counts over all runs.
pub(crate) fn audit(results: &Results) -> Markup {
    let mut promises: Vec<(&str, u64, u64, Option<&str>)> = vec![];
    for check in results.audits().flat_map(|audit| &audit.checks) {
        let example = check.example.as_deref();
        match promises
            .iter_mut()
            .find(|(promise, ..)| *promise == check.promise)
        {
            Some((_, examined, broken, first)) => {
                *examined += check.examined;
                *broken += check.broken;
                *first = first.or(example);
            }
            None => promises.push((&check.promise, check.examined, check.broken, example)),
        }
    }
    html! {
        h2 { "The audit" }
        p { "After every run the audit reads the databases of orders, payments, inventory and \
            shipping, the queues and the payment provider's own ledger, and checks every promise. \
            A run that breaks one has no figure." }
        div.wide { table {
            thead { tr { th { "promise" } th { "looked at" } th { "broken" } th.text { "first" } } }
            tbody { @for (promise, examined, broken, example) in promises { tr {
                td.text { (promise) }
                td { (examined) }
                td { @if broken == 0 { span.yes { "none" } } @else { span.no { (broken) } } }
                td.text { (example.unwrap_or("")) }
            } } }
        } }
        @for run in results.all_runs().filter(|run| run.audit.not_run.is_some()) {
            p.no { (run.arm) ": no audit, because " (run.audit.not_run.as_deref().unwrap_or("")) }
        }
    }
}

pub(crate) fn runs(results: &Results) -> Markup {
    html! {
        h2.raw { "Every run" }
        div.wide.raw { table {
            thead { tr {
                th { "#" } th.text { "arm" } th.text { "load" } th { "pair" }
                th { "offered" } th { "accepted" } th { "confirmed" } th { "refused" }
                th { "cancelled" } th { "expired" } th { "errors" }
                th { "CPU ms/order" } th { "answered p50 / p99" } th { "settled p50 / p99" }
                th { "steady after s" } th { "send delay p99" } th { "drain s" }
                th { "steal %" } th { "other processes %" }
                th { "CPU pressure %" } th { "disk pressure %" } th { "generator %" }
                th.text { "audit" }
            } }
            tbody { @for run in &results.runs { (row(run)) } }
        } }
        p.note { "Send delay is how late the generator sent. Steal, other processes and generator \
            are shares of all cores during the load. Pressure is the share of that time in which \
            some process waited for a core, or for the disk. The shop cancelled expired orders \
            because it took too long." }
    }
}

fn row(run: &Run) -> Markup {
    let (refusal, ended) = (run.refusal(), run.endings);
    let share = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.1}"));
    let pair =
        |quantiles: &Quantiles| format!("{} / {}", number(quantiles.p50), number(quantiles.p99));
    html! {
        tr.refused[refusal.is_some()] {
            td { (run.position + 1) } td.text { (run.arm) }
            td.text { (run.cell()) } td { (run.pair + 1) }
            td { (run.offered) } td { (run.accepted) } td { (ended.confirmed) }
            td { (ended.refused) } td { (ended.cancelled) } td { (ended.expired) }
            td { (run.errors) }
            td { (number(run.cpu_ms_per_order())) }
            td { (pair(&run.acknowledged_ms)) } td { (pair(&run.settled_ms)) }
            td { (number(run.steady_after_s)) } td { (number(run.send_delay_ms.p99)) }
            td { (number(run.drain_ms / 1_000.0)) }
            td { (share(run.noise.steal_percent)) }
            td { (share(run.noise.other_processes_percent)) }
            td { (share(run.noise.cpu_pressure_percent)) }
            td { (share(run.noise.io_pressure_percent)) }
            td { (share(run.noise.generator_percent)) }
            td.text { @match refusal {
                None => span.yes { "kept" },
                Some(reason) => span.no { (reason) },
            } }
        }
    }
}

pub(crate) fn machine(results: &Results) -> Markup {
    let machine = &results.machine;
    html! {
        h2 { "The machine, and how to repeat this" }
        dl {
            dt { "system" } dd { (machine.system) }
            dt { "processor" } dd { (machine.processor) ", " (machine.cores) " cores" }
            @if let Some(bytes) = machine.memory_bytes {
                dt { "memory" } dd { (number(bytes as f64 / 1_073_741_824.0)) " GiB" }
            }
            @if let Some(fsync) = &machine.fsync {
                dt { "a durable write of 8 KiB" }
                dd { "p50 " (number(fsync.p50_ms)) " ms, p99 " (number(fsync.p99_ms)) " ms, where \
                    the databases are" }
            }
            @for (name, version) in &results.versions { dt { (name) } dd { (version) } }
        }
        pre { (results.command) }
    }
}
