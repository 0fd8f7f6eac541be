//! The summary that is printed at the end: verdicts first, then a table, then the audit.

use std::fmt::Write as _;

use analysis::caveats::caveats;
use analysis::faults::summaries;
use analysis::headline::headline;
use analysis::model::{Results, Run};
use analysis::selection::grouped;
use analysis::soak;
use analysis::statistics::median as median_of;

use crate::format::fixed;

/// The report for the terminal.
pub fn summary(results: &Results) -> String {
    let mut text = String::from("\n");
    if let Some(reason) = &results.partial {
        let _ = writeln!(text, "PARTIAL: {reason}\n");
    }
    for verdict in headline(results) {
        let _ = writeln!(text, "{}", wrapped(&verdict.sentence));
    }
    for caveat in caveats(results) {
        let _ = writeln!(text, "\n{}", wrapped(&caveat));
    }
    for one in summaries(results) {
        let _ = writeln!(text, "  {}\n{}", one.case.title(), wrapped(&one.sentence()));
    }
    for one in &results.soaks {
        let _ = writeln!(text, "{}", wrapped(&soak::sentence(one)));
    }
    if !grouped(results).is_empty() {
        let _ = write!(text, "\n{}", table(results));
    }
    let _ = writeln!(text, "\n{}", audit(results));
    text
}

/// Breaks a sentence into indented lines of at most 100 columns.
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

/// One line per arm and cell, with medians over its runs.
fn table(results: &Results) -> String {
    let mut text = format!(
        "{:<9} {:<28} {:>8} {:>9} {:>17} {:>17} {:>8} {:>7}\n",
        "arm", "load", "orders", "CPU ms", "answered ms", "settled ms", "memory", "SQS"
    );
    let _ = writeln!(
        text,
        "{:<9} {:<28} {:>8} {:>9} {:>17} {:>17} {:>8} {:>7}",
        "", "", "settled", "per order", "p50 / p99", "p50 / p99", "MiB", "calls"
    );
    for (cell, arm, runs) in grouped(results) {
        let median = |of: fn(&Run) -> f64| median_of(runs.iter().map(|run| of(run)));
        let pair = |low: f64, high: f64| format!("{low:.1} / {high:.1}");
        let _ = writeln!(
            text,
            "{arm:<9} {cell:<28} {:>8} {:>9} {:>17} {:>17} {:>8} {:>7}",
            runs.iter().map(|run| run.settled).sum::<u64>(),
            fixed(median(Run::cpu_ms_per_order), 2),
            pair(
                median(|run| run.acknowledged_ms.p50),
                median(|run| run.acknowledged_ms.p99)
            ),
            pair(
                median(|run| run.settled_ms.p50),
                median(|run| run.settled_ms.p99)
            ),
            fixed(median(|run| run.memory() / 1_048_576.0), 0),
            fixed(median(Run::sqs_calls_per_order), 1),
        );
    }
    text
}

fn audit(results: &Results) -> String {
    let count = results.audits().count();
    let failed = results.audits().filter(|audit| audit.failure().is_some());
    let checks = results.audits().flat_map(|audit| &audit.checks);
    // The orders of the warm-ups too.
    let kept = checks.filter(|check| check.counts_accepted_orders());
    let orders: u64 = kept.map(|check| check.examined).sum();
    match failed.clone().next() {
        None if count == 0 => "Audit: no run was finished.".to_owned(),
        None => {
            format!("Audit: all promises kept in all {count} runs, over {orders} orders.")
        }
        Some(first) => format!(
            "Audit: FAILED in {} of {count} runs. First: {}",
            failed.count(),
            first.failure().unwrap_or_default(),
        ),
    }
}
