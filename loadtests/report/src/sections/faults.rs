//! What the split costs and what it buys: both halves of the answer, and each fault over time.

use analysis::faults::{FaultSummary, Figure, seconds, share, summaries};
use analysis::headline::headline;
use analysis::model::{Arm, ArmName, FaultRun, Results};
use analysis::sentences::capitalised;
use maud::{Markup, PreEscaped, html};

use crate::charts;
use crate::charts::variable_of;

/// Both halves side by side, one row per question.
pub(crate) fn costs_and_gains(results: &Results) -> Markup {
    let summaries = summaries(results);
    let of = |arm: Arm| {
        let all = summaries.iter().filter(move |one| one.case.arm == arm);
        all.collect::<Vec<_>>()
    };
    let (monolith, services) = (of(Arm::Monolith), of(Arm::Services));
    html! {
        @if !summaries.is_empty() {
            section aria-label="Costs and gains" {
                h2 { "What the split costs, and what it buys" }
                @for verdict in headline(results).iter().take(2) { p { (verdict.sentence) } }
                @if results.runs.is_empty() {
                    p.note { "What it costs: cargo compare without faults measures it." }
                }
                div.wide { table.answers {
                    thead { tr {
                        th.text { "orders accepted during the fault; all settled after its end" }
                        th.text { "monolith" } th.text { "services" }
                    } }
                    @for one in &services {
                        tr {
                            td.text { (capitalised(&one.case.phrase())) }
                            td.text { (of_monolith(one, &monolith)) }
                            td.text { (short(one)) }
                        }
                    }
                } }
                (notes(results))
            }
        }
    }
}

/// The same fault of the monolith, with one replica or two.
fn of_monolith(services: &FaultSummary<'_>, monolith: &[&FaultSummary<'_>]) -> Markup {
    let same = monolith
        .iter()
        .filter(|one| one.case.fault == services.case.fault);
    let same: Vec<_> = same.collect();
    html! {
        @if same.is_empty() { "has no such part" }
        @for (n, one) in same.iter().enumerate() {
            @if n > 0 { br; }
            @if one.case.replicas > 1 { (one.case.replicas) " replicas: " }
            (short(one))
        }
    }
}

fn short(one: &FaultSummary<'_>) -> Markup {
    let gone = |gone: Option<Figure>| gone.map_or("never".to_owned(), seconds);
    html! {
        @match &one.refusal {
            Some(reason) => span.no { (reason) },
            None => { (share(one.accepted)) "; " (gone(one.backlog_gone_s)) },
        }
    }
}

fn notes(results: &Results) -> Markup {
    let runs = results.faults.iter().map(|one| &one.case);
    let most = runs
        .clone()
        .map(|case| runs.clone().filter(|one| *one == case).count())
        .max();
    html! {
        p.note {
            "An order counts as accepted when it was answered with 201 within 20 s. A refused \
             order is not sent again. Every run is audited: no order was lost or charged twice \
             unless a row says so."
            @if most.is_some_and(|most| most < 3) {
                " Fewer than three runs of a case have no interval: --pairs 3 gives one."
            }
        }
        @if let Some(run) = results.faults.first() {
            p.note {
                "Settings behind these figures: an order expires after "
                (format!("{:.0}", run.order_expiry_s)) " s"
                @if let Some(overdue) = results.faults.iter().find_map(|run| run.overdue_s) {
                    "; the services publish an event again that was not answered for "
                    (format!("{overdue:.0}")) " s (F9 and F13: after minutes, as by default)"
                }
                "; the generator waits 20 s for an answer."
            }
        }
    }
}

/// Each case as a sentence, with its first run over time.
pub(crate) fn over_time(results: &Results) -> Markup {
    html! {
        @for one in summaries(results) {
            section.whole {
                h3 { (one.case.title()) }
                p { (one.sentence()) }
                @if let Some(run) = one.runs.first() { (picture(run)) }
            }
        }
    }
}

/// When answers were as fast as before.
fn answers_again(run: &FaultRun) -> String {
    match run.latency_back_s {
        Some(0.0) => " Answers were as fast as before within a second of its end.".to_owned(),
        Some(back) => format!(" Answers were as fast as before {back:.0} s after its end."),
        None => " Answers were not as fast as before while the load lasted.".to_owned(),
    }
}

/// Memory before the fault, and the most of it, in MB.
fn memory_mb(run: &FaultRun) -> Option<(f64, f64)> {
    let mb = |bytes: u64| bytes as f64 / 1e6;
    let before = run.usage.iter().rfind(|one| one.at_s < run.begin_s)?;
    let most = run.usage.iter().map(|one| one.memory_bytes).max()?;
    Some((mb(before.memory_bytes), mb(most)))
}

fn picture(run: &FaultRun) -> Markup {
    let ink = variable_of(&ArmName::from(run.case.arm));
    html! {
        p.legend {
            span { i style=(format!("border-color:{ink}")) {} "settled in each second" }
            span { i.dashed style=(format!("border-color:{ink}")) {} "waiting at its end" }
            span { i style="border-color:var(--soft)" {} "offered" }
            span { i style="border-color:var(--ink)" {} "accepted" }
        }
        figure { (PreEscaped(charts::fault(run))) }
        @if run.usage.len() > 1 {
            p.legend {
                span { i style=(format!("border-color:{ink}")) {} "cores used by its processes" }
                span { i.dashed style=(format!("border-color:{ink}")) {} "by Postgres" }
            }
            figure { (PreEscaped(charts::usage(run))) }
        }
        figure {
            figcaption {
                "The fault lasted from second " (format!("{:.1}", run.begin_s)) " to "
                (format!("{:.1}", run.end_s)) " (grey). Accepted orders of that time were answered \
                 after " (format!("{:.0}", run.acknowledged_ms.p50)) " ms at the median and "
                (format!("{:.0}", run.acknowledged_ms.p99)) " ms at the 99th percentile, and \
                 settled after " (format!("{:.0}", run.settled_ms.p50)) " and "
                (format!("{:.0}", run.settled_ms.p99)) " ms."
                @if let Some(most) = run.queues.iter().map(|one| one.messages).max() {
                    @let oldest = run.queues.iter().map(|one| one.oldest_s).fold(0.0, f64::max);
                    " At most " (most) " messages waited in the queues, the oldest for "
                    (format!("{oldest:.1}")) " s. Dead letters: " (run.dead_letters) "."
                }
                @if let Some(receives) = run.receives_per_message {
                    " Each message was received " (format!("{receives:.2}")) " times on average."
                }
                @if let Some((before, most)) = memory_mb(run) {
                    " Its processes held " (format!("{before:.0}")) " MB of memory before the \
                     fault, and at most " (format!("{most:.0}")) " MB."
                }
                @if let Some(capacity) = run.capacity_per_s {
                    " Before, 100 customers who ordered again and again had "
                    (format!("{capacity:.0}")) " orders settled per second: the fault is three \
                     times as many. The generator has at most 2,000 requests open."
                }
                (answers_again(run))
            }
        }
    }
}
