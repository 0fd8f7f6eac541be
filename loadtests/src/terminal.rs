//! What is printed at the end: verdicts first, then a table a newcomer can read.

use std::fmt::Write as _;

use crate::arms::{Arm, described};
use crate::audit::promises::ACCEPTED_ARE_KEPT;
use crate::results::{Results, Run};
use crate::{statistics, verdicts};

/// `the monolith (A0) and the services (A3)`
pub fn arms(arms: &[(Arm, String)]) -> String {
    let names: Vec<String> = arms.iter().map(|(_, label)| described(label)).collect();
    names.join(" and ")
}

pub fn summary(results: &Results) -> String {
    let mut text = String::from("\n");
    if let Some(reason) = &results.partial {
        let _ = writeln!(text, "PARTIAL: {reason}\n");
    }
    for verdict in verdicts::main(results) {
        let _ = writeln!(text, "{}", wrapped(&verdict.sentence));
    }
    for caveat in verdicts::caveats(results) {
        let _ = writeln!(text, "\n{}", wrapped(&caveat));
    }
    if !verdicts::grouped(results).is_empty() {
        let _ = write!(text, "\n{}", table(results));
    }
    let _ = writeln!(text, "\n{}", audit(results));
    text
}

/// Indented lines of at most 100 columns.
fn wrapped(sentence: &str) -> String {
    let mut lines = vec![String::from(" ")];
    for word in sentence.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 100 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines.join("\n")
}

/// One line for each arm and cell, medians over its runs.
fn table(results: &Results) -> String {
    let mut text = format!(
        "{:<9} {:<28} {:>8} {:>9} {:>17} {:>17} {:>8} {:>7}\n",
        "arm", "load", "orders", "CPU ms", "answered ms", "settled ms", "memory", "SQS"
    );
    let _ = writeln!(
        text,
        "{:<9} {:<28} {:>8} {:>9} {:>17} {:>17} {:>8} {:>7}",
        "", "", "settled", "an order", "p50 / p99", "p50 / p99", "MiB", "calls"
    );
    for (title, arm, runs) in verdicts::grouped(results) {
        let median = |of: fn(&Run) -> f64| statistics::median(runs.iter().map(|run| of(run)));
        let pair = |low: f64, high: f64| format!("{low:.1} / {high:.1}");
        let _ = writeln!(
            text,
            "{arm:<9} {title:<28} {:>8} {:>9} {:>17} {:>17} {:>8} {:>7}",
            runs.iter().map(|run| run.settled).sum::<u64>(),
            shown(median(Run::cpu_ms_per_order), 2),
            pair(
                median(|run| run.acknowledged_ms.p50),
                median(|run| run.acknowledged_ms.p99)
            ),
            pair(
                median(|run| run.settled_ms.p50),
                median(|run| run.settled_ms.p99)
            ),
            shown(median(|run| run.memory() / 1_048_576.0), 0),
            shown(median(Run::sqs_calls_per_order), 1),
        );
    }
    text
}

fn audit(results: &Results) -> String {
    let failed: Vec<&Run> = results
        .runs
        .iter()
        .filter(|run| run.audit.failure().is_some())
        .collect();
    // Those of the warm-ups too.
    let checks = results.runs.iter().flat_map(|run| &run.audit.checks);
    let kept = checks.filter(|check| check.promise == ACCEPTED_ARE_KEPT);
    let orders: u64 = kept.map(|check| check.examined).sum();
    match failed.first() {
        None if results.runs.is_empty() => "Audit: no run was finished.".to_owned(),
        None => format!(
            "Audit: all promises kept in all {} runs, over {orders} orders.",
            results.runs.len()
        ),
        Some(run) => format!(
            "Audit: FAILED in {} of {} runs. First: {} {}: {}",
            failed.len(),
            results.runs.len(),
            run.arm,
            run.scenario,
            run.audit.failure().unwrap_or_default(),
        ),
    }
}

/// What nobody measured is a dash.
fn shown(value: f64, digits: usize) -> String {
    match value.is_nan() {
        true => "–".to_owned(),
        false => format!("{value:.digits$}"),
    }
}
