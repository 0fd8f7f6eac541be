//! The method of this comparison, without methods that it did not use.

use analysis::model::{PostgresPlace, Results, Run, Scenario};
use maud::{Markup, html};

use crate::format::number;

pub(crate) fn method(results: &Results) -> Markup {
    let settings = &results.settings;
    let any = |of: fn(&Run) -> bool| results.runs.iter().any(of);
    html! {
        h2 { "The method" }
        p { (arms(results)) " Each run of one arm has a neighbour of the other with the same \
            operations. The sequence of runs is random, from the seed." }
        @if any(|run| !run.load.is_closed()) {
            p { "The load is an open model: a schedule says when each order is due, whether or not \
                earlier ones were answered, and its latency counts from that moment. A run in \
                which the generator itself was more than 5 ms late at its 99th percentile is \
                void." }
        }
        @if any(|run| run.load.is_closed()) {
            p { "In the closed model each user orders again as soon as the order before is \
                settled. Where an order is not settled in the answer, its user polls it every 100 \
                ms, as a customer would. The polls are part of what that arm costs." }
        }
        p { "Failed requests are in no latency and no rate, and a run in which more than one \
            request in a thousand failed is void." }
        p { "The unit of statistics is the run. Ratios are means of paired log-ratios; intervals \
            are bootstrapped and widened for few runs. The measures of one cell and one pair of \
            arms are judged together by Holm's method at 5%. Each cell is judged on its own, so \
            one of twenty cells may be wrong. A difference within 5%, or within the noise floor \
            of these runs, is not called one. A pair whose orders ended in different ways, by \
            more than one in a hundred, is not compared." }
        p.note { "An order counts as settled when the orders database records that it is confirmed \
            or cancelled. That time stamp is taken inside the transaction, so the services' curve \
            leaves out the last commit, about one flush of the disk. Where the answer already says \
            that the order is settled, the answer counts. An order that the shop let expire does \
            not count as settled." }
        p { "Before the measured load comes a warm-up of " (settings.warm_up_s) " s at the same \
            rate, with orders of its own. The measured load begins when all its work is done. The \
            audit includes it, and no figure does. "
            @if let Some(most) = generator(results) {
                "The load generator used at most " (number(most)) "% of this machine during a \
                load, and belongs to no arm. The harness queries the databases after the load, and \
                the CPU of its connections is subtracted from Postgres's."
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
    let postgres = match results.settings.postgres {
        PostgresPlace::Elsewhere => {
            return "The arms were running already, and were loaded in turn from here. The \
                    machines they run on are not known."
                .to_owned();
        }
        PostgresPlace::Each => "one Postgres server for each database, with durability on",
        PostgresPlace::External => "the same Postgres server, which was running already",
        PostgresPlace::Shared => "the same Postgres server, with durability on",
    };
    format!(
        "The arms are {profile} builds, started as the processes of a real deployment, one arm at \
         a time, on fresh databases on {postgres}."
    )
}

/// The generator's largest share of the machine, in percent.
fn generator(results: &Results) -> Option<f64> {
    let used = results
        .runs
        .iter()
        .filter_map(|run| run.noise.generator_percent);
    used.max_by(f64::total_cmp)
}
