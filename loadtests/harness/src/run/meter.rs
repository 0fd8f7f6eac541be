//! Readings of all meters: before the measured load, at its end, and when no work is left.

use std::collections::BTreeMap;
use std::time::Instant;

use analysis::model::{EXTERNAL, PostgresWork, Run};

use crate::measure::system::System;
use crate::measure::{noise, postgres};

/// The component of the load generator, which is this program.
pub(super) const GENERATOR: &str = "generator";

/// What processes have used by a moment. Reading it loads no server.
pub struct Usage {
    pub(super) at: Instant,
    pub(super) system: System,
    /// CPU milliseconds by component, of the arm and of the third parties.
    pub(super) cpu_ms: BTreeMap<String, f64>,
}

/// What the servers have counted by a moment.
pub(super) struct Counters {
    pub(super) postgres: PostgresWork,
    /// Calls by action. `None` where the queue server does not count them.
    pub(super) sqs_calls: Option<BTreeMap<String, u64>>,
    /// Statements that the harness itself has sent so far, without those of its readings.
    pub(super) own_statements: u64,
    /// Statements of a reading itself.
    pub(super) statements_per_reading: u64,
}

/// One reading of every meter that there is.
pub(super) struct Reading {
    pub(super) usage: Option<Usage>,
    pub(super) counters: Option<Counters>,
}

impl Reading {
    /// Fills in what was used since the reading `before`, minus our own statements. Noise is that
    /// of the load only, from `before` to `loaded`: including the drain would dilute it.
    pub(super) fn fill_in(&self, run: &mut Run, before: &Reading, loaded: Option<&Usage>) {
        if let (Some(before), Some(after)) = (&before.counters, &self.counters) {
            let own = after.own_statements - before.own_statements + after.statements_per_reading;
            run.postgres = postgres::between(&before.postgres, &after.postgres, own);
            run.sqs_calls = calls_between(before.sqs_calls.as_ref(), after.sqs_calls.as_ref());
        }
        if let (Some(before), Some(loaded), Some(after)) = (&before.usage, loaded, &self.usage) {
            run.cpu_ms = after.used_since(before);
            let under_load = loaded.used_since(before);
            let ours_ms = under_load.values().sum();
            let generator = under_load.get(&external(GENERATOR)).copied().unwrap_or(0.0);
            let wall = loaded.at - before.at;
            run.noise = noise::noise(before.system, loaded.system, wall, ours_ms, generator);
        }
    }
}

impl Usage {
    fn used_since(&self, before: &Usage) -> BTreeMap<String, f64> {
        let used = self.cpu_ms.iter().map(|(name, now)| {
            let before = before.cpu_ms.get(name).copied().unwrap_or(0.0);
            (name.clone(), (now - before).max(0.0))
        });
        used.collect()
    }
}

/// Empty where the queue server counts nothing.
fn calls_between(
    before: Option<&BTreeMap<String, u64>>,
    after: Option<&BTreeMap<String, u64>>,
) -> BTreeMap<String, u64> {
    let made = after.into_iter().flatten().map(|(action, now)| {
        let before = before.and_then(|calls| calls.get(action)).copied();
        (action.clone(), now.saturating_sub(before.unwrap_or(0)))
    });
    made.filter(|(_, calls)| *calls > 0).collect()
}

/// The name of a component that belongs to no arm.
pub(super) fn external(name: &str) -> String {
    format!("{EXTERNAL}{name}")
}
