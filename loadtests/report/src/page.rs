//! The page, from the verdicts down to every raw run.

use analysis::model::{ArmName, Results, Soak};
use analysis::sentences::capitalised;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::format::moment;
use crate::sections::{dial, evidence, faults, figures, method, soak, tables, verdicts};

pub(crate) fn page(results: &Results) -> anyhow::Result<Markup> {
    let names: Vec<String> = results.settings.arms.iter().map(ArmName::phrase).collect();
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
                (faults::costs_and_gains(results))
                (soak::soaks(results))
                @if !results.runs.is_empty()
                    || results.faults.is_empty() && results.soaks.is_empty() {
                    (comparison(results)?)
                }
                (faults::over_time(results))
                (evidence::audit(results))
                (method::method(results))
                (evidence::runs(results))
                (evidence::machine(results))
            }
        }
    })
}

fn comparison(results: &Results) -> anyhow::Result<Markup> {
    Ok(html! {
        (verdicts::verdicts(results))
        (figures::ratios(results))
        (tables::headline(results))
        (figures::latencies(results))
        (tables::percentiles(results))
        (dial::dial(results))
        (dial::components(results))
        (figures::capacities(results))
        (tables::replicas(results))
        (figures::changing(results))
        (tables::money(results)?)
        (evidence::published()?)
    })
}

fn head(results: &Results, names: &[String]) -> Markup {
    let orders: u64 = results.all_runs().map(|run| run.accepted).sum();
    let soaked: u64 = results.soaks.iter().map(Soak::accepted).sum();
    let commit = results.versions.get("commit");
    html! {
        header {
            h1 { "One shop, built twice" }
            p.arms { (capitalised(&names.join(", "))) }
            p.soft {
                (moment(&results.started_at)) " · " (results.settings.method) " method · "
                (results.audits().count()) " runs · " (orders + soaked) " orders"
                @if let Some(commit) = commit { " · commit " (commit) }
            }
            @if let Some(reason) = &results.partial {
                p.partial { "This report is partial: " (reason) "." }
            }
        }
    }
}
