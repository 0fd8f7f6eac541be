//! Words that are not used any more, each with the word to use. One word has one meaning, and it is
//! the field's own where the field has one (`docs/style.md`, `docs/glossary.md`).

use std::fs;
use std::path::Path;

use crate::lexer::{identifiers, lines, words};
use crate::tree::{files, root};

/// Words in the names of code, as parts of identifiers: `lag` is in `lag_ms` and in `LagMs`.
const IN_NAMES: &[(&str, &str)] = &[
    ("attend", "supervise"),
    ("express", "direct"),
    ("foreign", "extra, other"),
    ("hear", "receive"),
    ("lag", "send_delay"),
    ("leisure", "deferred"),
    ("patiently", "with_retries"),
    ("planted", "injected"),
    ("said", "message, text"),
    ("shore", "endpoint"),
    ("strikes", "faults"),
    ("surroundings", "infrastructure"),
    ("tell", "publish"),
    ("tells", "publishes"),
    ("troubles", "problems"),
    ("wanted", "spec, configuration, expected"),
    ("whim", "random"),
    ("world", "fixture"),
];

/// Whole names of code.
const NAMES: &[(&str, &str)] = &[
    ("Death", "DeadLetterReason"),
    ("KnownOrder", "OrderRecord"),
    ("Parked", "PendingReceive"),
    ("Watch", "DrainMonitor"),
    ("Wire", "FaultyProxy"),
    ("anywhere", "on_free_port"),
    ("give_back", "void, refund, release"),
    ("hand_over", "dispatch, queue"),
    ("is_good", "is_healthy"),
    ("is_passing", "is_transient"),
    ("is_well", "is_healthy"),
    ("leaves_a_mark", "tombstone"),
];

/// Words in the names of code, and in comments and documents.
const EVERYWHERE: &[(&str, &str)] = &[
    ("anybody", "anyone, or name who"),
    ("asked", "requested, called_at, max"),
    ("befall", "faults"),
    ("beside", "next to, with"),
    ("books", "snapshot, ledger"),
    ("buried", "dead-lettered"),
    ("bury", "dead-letter"),
    ("chaos", "faults"),
    ("conduct", "run"),
    ("dice", "random"),
    ("door", "entry, endpoint"),
    ("doors", "entries, endpoints"),
    ("fate", "faults"),
    ("heard", "received"),
    ("lane", "concurrency, direct"),
    ("lanes", "concurrency"),
    ("misbehave", "inject faults"),
    ("misbehaviour", "faults"),
    ("mishap", "fault"),
    ("mishaps", "faults"),
    ("nobody", "no one, or name who"),
    ("patience", "timeout"),
    ("somebody", "someone, or name who"),
    ("told", "published, received, given"),
    ("unhurried", "deferred"),
    ("untried", "unattempted"),
    ("whoever", "name who"),
];

/// Phrases in comments and documents. They have no capitals here, and match any.
const PHRASES: &[(&str, &str)] = &[
    ("as it was", "unchanged"),
    ("at leisure", "deferred"),
    ("calls a second", "calls per second"),
    ("cpu an order", "CPU per order"),
    ("has it that", "says that"),
    ("is none of", "is excluded from"),
    ("leaves a mark", "leaves a tombstone"),
    ("messages a second", "messages per second"),
    ("of its own accord", "by itself"),
    ("orders a second", "orders per second"),
    ("requests a second", "requests per second"),
    ("were it", "even if it is"),
];

/// Lines that may keep a word: a part of the path, a part of the line, and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] =
    &[("docs/style.md", "| ", "examples of what not to write")];

#[test]
fn each_thing_has_one_word() {
    let mut found = vec![];
    for file in files(".rs") {
        for (n, line) in lines(&fs::read_to_string(&file).unwrap())
            .iter()
            .enumerate()
        {
            let complaints = in_code(&line.code).into_iter();
            report(&mut found, &file, n, &line.code, complaints);
            let complaints = in_prose(&without_names(&line.comment)).into_iter();
            report(&mut found, &file, n, &line.comment, complaints);
        }
    }
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let mut in_example = false;
        for (n, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                in_example = !in_example;
            } else if !in_example {
                let complaints = in_prose(&without_names(line)).into_iter();
                report(&mut found, &file, n, line, complaints);
            }
        }
    }
    assert!(
        found.is_empty(),
        "{}\n{} lines",
        found.join("\n"),
        found.len()
    );
}

#[test]
fn a_word_is_found_whole_and_nowhere_else() {
    let check = |found: Vec<(&str, &str)>, expected: &[&str]| {
        let words: Vec<&str> = found.into_iter().map(|(word, _)| word).collect();
        assert_eq!(words, expected);
    };
    check(in_code("let asked_at = lag.max(flag);"), &["lag", "asked"]);
    check(in_code("struct Wire { wires: WireCount }"), &["Wire"]);
    check(in_code("fn is_well_formed(lagoon: Stepper) {}"), &[]);
    check(
        in_prose("// Nobody tells; it was asked, as it was."),
        &["asked", "nobody", "as it was"],
    );
    check(in_prose("// A flag, besides the basked doorstep."), &[]);
    check(
        in_prose(&without_names(
            "`PUT /misbehaviour` sets [it](never-told.md)",
        )),
        &[],
    );
}

/// The documents that describe what is: no history, no decisions, no data.
fn documents() -> Vec<std::path::PathBuf> {
    let docs = root().join("docs");
    let ours = files(".md").into_iter().filter(|file| {
        let top = ["README.md", "CONTRIBUTING.md"].map(|name| root().join(name));
        file.parent() == Some(&docs) || top.contains(file)
    });
    ours.collect()
}

fn report<'a>(
    found: &mut Vec<String>,
    file: &Path,
    n: usize,
    line: &str,
    complaints: impl Iterator<Item = (&'a str, &'a str)>,
) {
    let path = file.strip_prefix(root()).unwrap().to_string_lossy();
    let excused = EXCEPTIONS
        .iter()
        .any(|(place, part, _)| path.contains(place) && line.contains(part));
    if !excused {
        let complaint = |(word, instead)| format!("{path}:{}: {word}: write {instead}", n + 1);
        found.extend(complaints.map(complaint));
    }
}

fn in_code(code: &str) -> Vec<(&'static str, &'static str)> {
    let names: Vec<&str> = identifiers(code).collect();
    let parts: Vec<String> = names.iter().flat_map(|name| words(name)).collect();
    let whole = NAMES.iter().filter(|(name, _)| names.contains(name));
    let part = IN_NAMES.iter().chain(EVERYWHERE);
    let part = part.filter(|(word, _)| parts.iter().any(|one| one == word));
    part.chain(whole).copied().collect()
}

fn in_prose(prose: &str) -> Vec<(&'static str, &'static str)> {
    let prose = prose.to_lowercase();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let has = |word: &str| {
        prose.match_indices(word).any(|(at, _)| {
            let (before, after) = (&prose[..at], &prose[at + word.len()..]);
            !before.ends_with(is_word) && !after.starts_with(is_word)
        })
    };
    let all = EVERYWHERE.iter().chain(PHRASES);
    all.filter(|(word, _)| has(word)).copied().collect()
}

/// A line of a document or a comment without what stands in backticks, which may be a name on the
/// wire, and without the targets of links.
fn without_names(line: &str) -> String {
    let outside: Vec<&str> = line.split('`').step_by(2).collect();
    let outside = outside.join(" ");
    let mut parts = outside.split("](");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text += part.split_once(')').map_or("", |(_, after)| after);
    }
    text
}
