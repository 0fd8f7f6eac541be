//! What a sceptic asks for: the audit, the method, every raw run, the machine.

use maud::{Markup, html};

use super::tables::number;
use crate::load::Scenario;
use crate::plan::PROBE;
use crate::results::{Quantiles, Results, Run};
use crate::verdicts;

pub(super) fn published() -> anyhow::Result<Markup> {
    let published = super::published()?;
    Ok(html! {
        h2 { "What others have measured" }
        div.wide { table {
            thead { tr { th { "finding" } th.text { "on what" } th.text { "source" } } }
            tbody { @for one in published { tr {
                td.text { (one.finding) } td.text { (one.work) } td.text { (one.source) }
            } } }
        } }
        p.note { "None of them measures the time to an order's final state, or holds its runs to \
            an audit; their guarantees are weaker than the ones checked here." }
    })
}

/// Every promise, summed over all runs.
pub(super) fn audit(results: &Results) -> Markup {
    let mut promises: Vec<(&str, u64, u64, Option<&str>)> = vec![];
    for check in results.runs.iter().flat_map(|run| &run.audit.checks) {
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
        p { "After every run all databases and the payment provider's own ledger are read and \
            every promise is checked. A run that breaks one has no number." }
        div.wide { table {
            thead { tr { th { "promise" } th { "looked at" } th { "broken" } th.text { "first" } } }
            tbody { @for (promise, examined, broken, example) in promises { tr {
                td.text { (promise) }
                td { (examined) }
                td { @if broken == 0 { span.yes { "none" } } @else { span.no { (broken) } } }
                td.text { (example.unwrap_or("")) }
            } } }
        } }
        @for run in results.runs.iter().filter(|run| run.audit.not_run.is_some()) {
            p.no { (run.arm) ": no audit, because " (run.audit.not_run.as_deref().unwrap_or("")) }
        }
    }
}

/// Only what was done here.
pub(super) fn method(results: &Results) -> Markup {
    let settings = &results.settings;
    let runs = |model: &str| results.runs.iter().any(|run| run.model == model);
    html! {
        h2 { "The method" }
        p { (arms(results)) " Each run of one arm has a neighbour of the other with the same \
            operations; the order is drawn by lot from the seed." }
        @if runs("open") || runs(PROBE) {
            p { "The load is an open model: an order is due at its slot whether or not earlier \
                ones were answered, and its latency counts from the slot. A run in which the \
                generator itself was more than 5 ms late at its 99th percentile is void." }
        }
        @if runs("closed") {
            p { "In the closed model each user orders again as soon as the order before is \
                settled. Where the answer does not say what became of an order, its user asks for \
                it every 100 ms, as a customer would: the questions are part of what that arm \
                costs." }
        }
        p { "Errors are never in a latency or a rate, and a run in which more than one request in \
            a thousand failed is void." }
        p { "The unit of statistics is the run. Ratios are means of paired log-ratios; intervals \
            are bootstrapped and widened for few runs. The measures of one cell and one pair of \
            arms are judged together by Holm's method at 5%; each cell is judged on its own, so \
            that of twenty cells one may err. Differences within 5%, or within what these runs' \
            own noise would show of two equal arms, are not called differences. A pair whose \
            orders ended in different ways, by more than one in a hundred, is not compared." }
        p.note { "An order counts as settled when the order's keeper has written down that it is \
            confirmed or cancelled. That time stamp is taken inside the transaction, so the \
            services' curve leaves out the last commit, about one flush of the disk; where the \
            answer itself says what became of the order, the answer counts. An order that the shop \
            let expire is no settled one." }
        p { "Before the measured load comes a warm-up of " (settings.warm_up_s) " s at the same \
            rate, with orders of its own, and everything that follows on it is waited for. It is \
            in the audit and in no figure. "
            @if let Some(most) = generator(results) {
                "The load generator used at most " (number(most)) "% of this machine during a \
                load, and belongs to no arm; the databases are asked after the load, by \
                connections whose use is taken off Postgres's account."
            }
        }
        p.note { "Settings: " (settings.duration_s) " s after the warm-up; objective "
            (settings.objective_ms) " ms; cancellation window "
            (settings.cancellation_window_ms) " ms; databases on " (settings.storage) ", Postgres "
            (settings.postgres) "; seed " (settings.seed) ". Slow SQS: " (settings.sqs_latency) }
        p.note { "Scenarios: " @for (n, scenario) in Scenario::ALL.iter().enumerate() {
            @if n > 0 { ", " } (scenario.code()) " " (scenario.title())
        } "." }
    }
}

fn arms(results: &Results) -> String {
    let profile = results.versions.get("profile").map_or("", String::as_str);
    let postgres = match results.settings.postgres.as_str() {
        "elsewhere" => {
            return "The arms were running already, and were loaded in turn from here; what they \
                    run on is not known."
                .to_owned();
        }
        "each" => "a Postgres server for each of their databases, with durability on",
        "given" => "the same Postgres server, which was given by its address",
        _ => "the same Postgres server, with durability on",
    };
    format!(
        "The arms are {profile} builds, started as the processes a deployment runs, one arm at a \
         time, on fresh databases on {postgres}."
    )
}

/// The largest share of the machine, in percent.
fn generator(results: &Results) -> Option<f64> {
    let used = results
        .runs
        .iter()
        .filter_map(|run| run.noise.generator_percent);
    used.max_by(f64::total_cmp)
}

pub(super) fn runs(results: &Results) -> Markup {
    html! {
        h2.raw { "Every run" }
        div.wide.raw { table {
            thead { tr {
                th { "#" } th.text { "arm" } th.text { "load" } th { "pair" }
                th { "offered" } th { "accepted" } th { "confirmed" } th { "refused" }
                th { "cancelled" } th { "expired" } th { "errors" }
                th { "CPU ms/order" } th { "answered p50 / p99" } th { "settled p50 / p99" }
                th { "steady after s" } th { "lag p99" } th { "drain s" }
                th { "steal %" } th { "foreign %" }
                th { "CPU pressure %" } th { "disk pressure %" } th { "generator %" }
                th.text { "audit" }
            } }
            tbody { @for run in &results.runs { (row(run)) } }
        } }
        p.note { "Lag is how late the generator was; steal, foreign and generator are shares of \
            all cores during the load; pressure is the share of that time in which something \
            waited for a core. Expired orders were cancelled by the shop, for it took too long." }
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
            td.text { (verdicts::short(&run.cell())) } td { (run.pair + 1) }
            td { (run.offered) } td { (run.accepted) } td { (ended.confirmed) }
            td { (ended.refused) } td { (ended.cancelled) } td { (ended.expired) }
            td { (run.errors) }
            td { (number(run.cpu_ms_per_order())) }
            td { (pair(&run.acknowledged_ms)) } td { (pair(&run.settled_ms)) }
            td { (number(run.steady_after_s)) } td { (number(run.lag_ms.p99)) }
            td { (number(run.drain_ms / 1_000.0)) }
            td { (share(run.noise.steal_percent)) } td { (share(run.noise.foreign_percent)) }
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

pub(super) fn machine(results: &Results) -> Markup {
    let machine = &results.machine;
    html! {
        h2 { "The machine, and how to have this again" }
        dl {
            dt { "system" } dd { (machine.system) }
            dt { "processor" } dd { (machine.processor) ", " (machine.cores) " cores" }
            @if let Some(bytes) = machine.memory_bytes {
                dt { "memory" } dd { (number(bytes as f64 / 1_073_741_824.0)) " GiB" }
            }
            @if let Some(fsync) = &machine.fsync {
                dt { "making 8 KiB durable" }
                dd { "p50 " (number(fsync.p50_ms)) " ms, p99 " (number(fsync.p99_ms)) " ms, where \
                    the databases are" }
            }
            @for (name, version) in &results.versions { dt { (name) } dd { (version) } }
        }
        pre { (results.command) }
    }
}
