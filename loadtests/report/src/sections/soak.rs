//! The soaks: what stays flat over hours, and what grows.

use std::collections::BTreeMap;

use analysis::model::{Resources, Results, Soak};
use analysis::soak::{growth, sentence};
use maud::{Markup, html};

/// Each soak as a sentence, with the state of its resources and its rounds.
pub(crate) fn soaks(results: &Results) -> Markup {
    html! {
        @if !results.soaks.is_empty() {
            h2 { "The soak" }
            p.note { "Each round loads the arm for a minute, with a fault in the middle that the \
                seed chooses, waits until no work is left, and audits all that was ordered in it. \
                The arm goes on running from round to round." }
        }
        @for soak in &results.soaks {
            section.whole {
                p { (sentence(soak)) }
                p.note { "Settings: " (soak.rate) " orders per second, seed " (soak.seed) "." }
                (resources(soak))
                (rounds(soak))
            }
        }
    }
}

/// The resources after the first round, half-way and at the end.
fn resources(soak: &Soak) -> Markup {
    let rounds = &soak.rounds;
    let (Some(first), Some(last)) = (rounds.first(), rounds.last()) else {
        return html! {};
    };
    let middle = &rounds[rounds.len() / 2];
    let grown = growth(soak).unwrap_or_default();
    let states = [&first.resources, &middle.resources, &last.resources];
    html! {
        div.wide { table {
            thead { tr {
                th.text { "when no work is left" } th { "first round" } th { "half-way" }
                th { "last round" } th.text { "" }
            } }
            tbody { @for (name, values) in lines(states) { tr {
                td.text { (name) }
                @for value in values { td { (value) } }
                td.text { @if grown.iter().any(|one| one.what == name) { span.no { "grew" } } }
            } } }
        } }
    }
}

/// A line for each resource of the last state: its name, and its value in each state.
fn lines(states: [&Resources; 3]) -> Vec<(String, [String; 3])> {
    let mut lines = vec![];
    let mut add = |name: &str, of: Kind, text: fn(u64) -> String| {
        for part in of(states[2]).keys() {
            let value = |one: &Resources| of(one).get(part).copied().map(text);
            let values = states.map(|one| value(one).unwrap_or_default());
            lines.push((format!("{name} {part}"), values));
        }
    };
    add("memory of", |one| &one.memory, megabytes);
    add("file descriptors of", |one| &one.descriptors, count);
    add("rows of", |one| &one.rows, count);
    add("messages of", |one| &one.messages, count);
    add("size of database", |one| &one.databases, megabytes);
    lines
}

/// How to read one kind of resource, by the names of the parts.
type Kind = fn(&Resources) -> &BTreeMap<String, u64>;

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn count(value: u64) -> String {
    value.to_string()
}

fn rounds(soak: &Soak) -> Markup {
    html! {
        details {
            summary { (soak.rounds.len()) " rounds" }
            div.wide { table {
                thead { tr {
                    th { "until" } th.text { "fault" } th { "offered" } th { "accepted" }
                    th.text { "audit" }
                } }
                tbody { @for round in &soak.rounds { tr {
                    td { (format!("{:.0} s", round.at_s)) }
                    td.text { (round.fault) }
                    td { (round.offered) }
                    td { (round.accepted) }
                    td.text {
                        @match (&round.left, round.audit.failure()) {
                            (None, None) => span.yes { "kept" },
                            (Some(left), _) => span.no { (left) },
                            (None, Some(broken)) => span.no { (broken) },
                        }
                    }
                } } }
            } }
        }
    }
}
