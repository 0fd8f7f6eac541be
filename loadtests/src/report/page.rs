//! The page, from the verdicts down to every raw run.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{evidence, figures, tables};
use crate::arms::described;
use crate::results::Results;
use crate::statistics::Finding;
use crate::verdicts::{self, capitalised};

pub(super) fn page(results: &Results) -> anyhow::Result<Markup> {
    let names: Vec<String> = results
        .settings
        .arms
        .iter()
        .map(|label| described(label))
        .collect();
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Twofold: " (names.join(" against ")) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (head(results, &names))
                (verdicts_section(results))
                (figures::ratios(results))
                (tables::headline(results))
                (figures::latencies(results))
                (tables::percentiles(results))
                (figures::dial(results))
                (tables::components(results))
                (figures::capacities(results))
                (tables::replicas(results))
                (figures::changing(results))
                (tables::money(results)?)
                (evidence::published()?)
                (evidence::audit(results))
                (evidence::method(results))
                (evidence::runs(results))
                (evidence::machine(results))
            }
        }
    })
}

fn head(results: &Results, names: &[String]) -> Markup {
    let orders: u64 = results.runs.iter().map(|run| run.accepted).sum();
    let commit = results.versions.get("commit");
    html! {
        header {
            h1 { "One shop, built twice" }
            p.arms { (capitalised(&names.join(", "))) }
            p.soft {
                (moment(&results.started_at)) " · " (results.settings.mode) " method · "
                (results.runs.len()) " runs · " (orders) " orders"
                @if let Some(commit) = commit { " · commit " (commit) }
            }
            @if let Some(reason) = &results.partial {
                p.partial { "This report is partial: " (reason) "." }
            }
        }
    }
}

/// `2026-01-31 12:30 UTC`
fn moment(rfc3339: &str) -> String {
    let minute = rfc3339.get(..16).unwrap_or(rfc3339);
    format!("{} UTC", minute.replace('T', " "))
}

/// By the arm that is compared with the first; the last of the dial comes first, for it is what
/// people ask about.
fn verdicts_section(results: &Results) -> Markup {
    let verdicts = verdicts::main(results);
    let others = results.settings.arms.iter().skip(1).rev();
    let others: Vec<&String> = others
        .filter(|arm| verdicts.iter().any(|one| one.other == **arm))
        .collect();
    html! {
        section aria-label="Verdicts" {
            @for arm in &others {
                @if others.len() > 1 { h3 { (capitalised(&described(arm))) } }
                ul.verdicts { @for verdict in verdicts.iter().filter(|one| one.other == **arm) {
                    @let (class, kind) = kind(&verdict.finding);
                    li class=(class) { span.kind { (kind) } (verdict.sentence) }
                } }
            }
            @if verdicts.is_empty() {
                p.partial { "There is nothing to compare: one arm alone, or no pair of runs was \
                    finished." }
            }
            @for caveat in verdicts::caveats(results) { p.note { (caveat) } }
        }
    }
}

fn kind(finding: &Finding) -> (&'static str, &'static str) {
    match finding {
        Finding::Ratio => ("ratio", "a ratio with its interval"),
        Finding::NoDifference => ("same", "no difference shown"),
        Finding::Inconclusive => ("open", "inconclusive"),
        Finding::Void { .. } => ("void", "void"),
    }
}
