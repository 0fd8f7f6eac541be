//! Meters read before the measured load, at its end, and when nothing is left to do.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Context;

use crate::arms::Deployment;
use crate::arms::wiring::component;
use crate::measure::processes::{Processes, peak_memory_bytes};
use crate::measure::system::System;
use crate::measure::{noise, postgres};
use crate::results::run::OUTSIDE;
use crate::results::{PostgresWork, Run};

/// One reading of every meter.
pub struct Reading {
    busy: Busy,
    postgres: PostgresWork,
    calls: BTreeMap<String, u64>,
}

/// What was used by then. To read it asks nobody.
pub struct Busy {
    at: Instant,
    system: System,
    /// CPU milliseconds by component, the arm's and the third parties'.
    cpu_ms: BTreeMap<String, f64>,
}

impl Busy {
    /// `watchers` are Postgres backends that serve us, not the arm.
    pub fn now(deployment: &Deployment, watchers: &[u32]) -> anyhow::Result<Busy> {
        let processes = Processes::now()?;
        Ok(Busy {
            at: Instant::now(),
            system: System::now(),
            cpu_ms: cpu_ms(deployment, &processes, watchers),
        })
    }

    fn used_since(&self, before: &Busy) -> BTreeMap<String, f64> {
        let used = self.cpu_ms.iter().map(|(name, now)| {
            let before = before.cpu_ms.get(name).copied().unwrap_or(0.0);
            (name.clone(), (now - before).max(0.0))
        });
        used.collect()
    }
}

const GENERATOR: &str = "generator";

impl Reading {
    pub async fn take(
        deployment: &Deployment,
        meter: &mut postgres::Meter,
        watchers: &[u32],
    ) -> anyhow::Result<Reading> {
        let postgres = meter.read().await?;
        let calls = match &deployment.queues {
            Some(queues) => {
                let calls = queues.server.calls().await;
                calls.context("the queue server does not say what it was asked")?
            }
            None => BTreeMap::new(),
        };
        Ok(Reading {
            busy: Busy::now(deployment, watchers)?,
            postgres,
            calls,
        })
    }

    /// Writes down what was used since the reading before, but for so many statements of ours. What
    /// else went on is asked of the load alone: the wait after it would only thin it.
    pub fn since(&self, before: &Reading, loaded: &Busy, own_statements: u64, run: &mut Run) {
        run.cpu_ms = self.busy.used_since(&before.busy);
        run.postgres = postgres::between(&before.postgres, &self.postgres, own_statements);
        run.sqs_calls = calls_between(&before.calls, &self.calls);

        let under_load = loaded.used_since(&before.busy);
        let ours_ms = under_load.values().sum();
        let generator = under_load.get(&outside(GENERATOR)).copied().unwrap_or(0.0);
        let wall = loaded.at - before.busy.at;
        let (quiet, busy) = (before.busy.system, loaded.system);
        run.noise = noise::noise(quiet, busy, wall, ours_ms, generator);
    }
}

pub(super) fn calls_between(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let made = after.iter().map(|(action, now)| {
        let before = before.get(action).copied().unwrap_or(0);
        (action.clone(), now.saturating_sub(before))
    });
    made.filter(|(_, calls)| *calls > 0).collect()
}

fn outside(name: &str) -> String {
    format!("{OUTSIDE}{name}")
}

fn cpu_ms(
    deployment: &Deployment,
    processes: &Processes,
    watchers: &[u32],
) -> BTreeMap<String, f64> {
    let mut cpu_ms = BTreeMap::new();
    for process in &deployment.processes {
        *cpu_ms
            .entry(component(&process.name).to_owned())
            .or_default() += processes.cpu_ms(process.pid());
    }
    let servers = deployment.postgres_pids.iter();
    let of_servers: f64 = servers.map(|pid| processes.tree_cpu_ms(*pid)).sum();
    let of_watchers: f64 = watchers.iter().map(|pid| processes.cpu_ms(*pid)).sum();
    cpu_ms.insert("postgres".to_owned(), of_servers - of_watchers);

    let provider = deployment.provider.process.pid();
    cpu_ms.insert(outside("payment-provider"), processes.cpu_ms(provider));
    if let Some(queues) = &deployment.queues {
        cpu_ms.insert(outside("sqs-local"), processes.cpu_ms(queues.process.pid()));
    }
    cpu_ms.insert(outside(GENERATOR), processes.cpu_ms(std::process::id()));
    cpu_ms
}

/// The largest resident set of each of the arm's processes, in bytes; of replicas, their sum.
pub fn memory(deployment: &Deployment) -> BTreeMap<String, u64> {
    let mut memory = BTreeMap::new();
    for process in &deployment.processes {
        if let Some(bytes) = peak_memory_bytes(process.pid()) {
            *memory
                .entry(component(&process.name).to_owned())
                .or_default() += bytes;
        }
    }
    memory
}
