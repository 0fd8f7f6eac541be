//! The soaks: what stays flat over hours, and what grows.

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

/// A line for each resource: its name, and its value in each state.
fn lines(states: [&Resources; 3]) -> Vec<(String, [String; 3])> {
    let mut lines = vec![];
    let mb = |bytes: &u64| format!("{:.1} MB", *bytes as f64 / 1e6);
    for name in states[2].memory.keys() {
        let of = states.map(|one| one.memory.get(name).map_or(String::new(), mb));
        lines.push((format!("memory of {name}"), of));
    }
    for name in states[2].descriptors.keys() {
        let of = states.map(|one| text(one.descriptors.get(name)));
        lines.push((format!("file descriptors of {name}"), of));
    }
    for name in states[2].rows.keys() {
        let of = states.map(|one| text(one.rows.get(name)));
        lines.push((format!("rows of {name}"), of));
    }
    for name in states[2].messages.keys() {
        let of = states.map(|one| text(one.messages.get(name)));
        lines.push((format!("messages of {name}"), of));
    }
    for name in states[2].databases.keys() {
        let of = states.map(|one| one.databases.get(name).map_or(String::new(), mb));
        lines.push((format!("size of database {name}"), of));
    }
    lines
}

fn text(value: Option<&u64>) -> String {
    value.map_or(String::new(), u64::to_string)
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
