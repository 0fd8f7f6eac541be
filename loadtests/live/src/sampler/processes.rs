//! CPU and memory of the processes of a side.

use std::collections::HashMap;
use std::time::Instant;

use harness::measure::processes::{Processes, memory_bytes};
use serde_json::{Value, json};

use crate::operator::PartState;
use crate::side::database_of;

/// Ticks between two readings of Postgres, which has a process per connection.
const POSTGRES_EVERY: u32 = 4;

/// Turns the CPU time of processes into cores, from reading to reading.
#[derive(Default)]
pub(crate) struct Meter {
    before: Option<(Instant, Processes)>,
    postgres: Option<(Instant, f64)>,
    postgres_cores: f64,
    ticks: u32,
}

impl Meter {
    /// The cores that each process has used since the last reading.
    pub(crate) fn read<const N: usize>(&mut self, pids: [u32; N]) -> [f64; N] {
        let cores = self.cores(pids.into());
        pids.map(|pid| cores.get(&pid).copied().unwrap_or(0.0))
    }

    fn cores(&mut self, pids: Vec<u32>) -> HashMap<u32, f64> {
        let (at, now) = (Instant::now(), Processes::only(pids.iter().copied()));
        let cores = match &self.before {
            None => HashMap::new(),
            Some((since, before)) => {
                let passed_ms = at.duration_since(*since).as_secs_f64() * 1_000.0;
                let used = |pid: u32| match before.cpu_ms(pid) {
                    // It has just begun.
                    0.0 => 0.0,
                    before => (now.cpu_ms(pid) - before).max(0.0),
                };
                pids.iter()
                    .map(|pid| (*pid, used(*pid) / passed_ms))
                    .collect()
            }
        };
        self.before = Some((at, now));
        cores
    }

    /// All processes of a side as the page shows them. `connections` has the connections in use by
    /// database.
    pub(crate) fn processes(
        &mut self,
        parts: &[PartState],
        connections: &HashMap<String, u64>,
    ) -> Vec<Value> {
        let cores = self.cores(parts.iter().map(|part| part.pid).collect());
        self.ticks += 1;
        let show = |part: &PartState| {
            let cpu = match part.name.as_str() {
                "postgres" => self.postgres(part.pid),
                _ => cores.get(&part.pid).copied().unwrap_or(0.0),
            };
            let memory_mb = memory_bytes(part.pid).map(|bytes| bytes as f64 / 1e6);
            let database = database_of(&part.name);
            let used = database.and_then(|name| connections.get(name));
            json!({
                "name": part.name,
                "state": part.state,
                "pid": part.pid,
                "cpu": rounded(cpu),
                "memory_mb": rounded(memory_mb.unwrap_or(0.0)),
                "connections": used,
                "reason": part.reason,
            })
        };
        parts.iter().map(show).collect()
    }

    /// The cores of a server with all its backends.
    fn postgres(&mut self, pid: u32) -> f64 {
        if self.ticks % POSTGRES_EVERY == 1
            && let Ok(all) = Processes::now()
        {
            let (at, used_ms) = (Instant::now(), all.tree_cpu_ms(pid));
            if let Some((since, before_ms)) = self.postgres.replace((at, used_ms)) {
                let passed_ms = at.duration_since(since).as_secs_f64() * 1_000.0;
                self.postgres_cores = (used_ms - before_ms).max(0.0) / passed_ms;
            }
        }
        self.postgres_cores
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
