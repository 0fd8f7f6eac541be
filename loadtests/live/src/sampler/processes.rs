//! CPU and memory of the processes of a side.

use std::collections::HashMap;
use std::time::Instant;

use harness::measure::processes::{Processes, memory_bytes};
use serde_json::{Value, json};

use super::tables::Connections;
use crate::operator::PartState;
use crate::side::database_of;

/// Ticks between two readings of what changes slowly, or is read from many processes.
const SLOWLY: u32 = 4;

/// Turns the CPU time of processes into cores, from reading to reading.
#[derive(Default)]
pub(crate) struct Meter {
    before: Option<(Instant, Processes)>,
    /// Resident memory by process.
    memory_mb: HashMap<u32, f64>,
    ticks: u32,
}

/// The cores that a server of Postgres uses with all its backends.
#[derive(Default)]
pub(super) struct PostgresMeter {
    before: Option<(Instant, f64)>,
    cores: f64,
    ticks: u32,
}

impl Meter {
    /// The cores that a process has used since the last reading.
    pub(crate) fn read(&mut self, pid: u32) -> f64 {
        self.cores(&[pid]).get(&pid).copied().unwrap_or(0.0)
    }

    fn cores(&mut self, pids: &[u32]) -> HashMap<u32, f64> {
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
                let pids = pids.iter();
                pids.map(|pid| (*pid, used(*pid) / passed_ms)).collect()
            }
        };
        self.before = Some((at, now));
        cores
    }

    /// All processes of a side as the page shows them.
    pub(super) fn processes(
        &mut self,
        parts: &[PartState],
        postgres_cores: f64,
        connections: &Connections,
    ) -> Vec<Value> {
        let pids: Vec<u32> = parts.iter().map(|part| part.pid).collect();
        let cores = self.cores(&pids);
        self.ticks += 1;
        if self.ticks % SLOWLY == 1 {
            let memory_mb = |pid: &u32| Some((*pid, memory_bytes(*pid)? as f64 / 1e6));
            self.memory_mb = pids.iter().filter_map(memory_mb).collect();
        }
        let show = |part: &PartState| {
            let cpu = match part.name.as_str() {
                "postgres" => postgres_cores,
                _ => cores.get(&part.pid).copied().unwrap_or(0.0),
            };
            let memory_mb = self.memory_mb.get(&part.pid).copied();
            let has_database = database_of(&part.name).is_some();
            json!({
                "name": part.name,
                "state": part.state,
                "pid": part.pid,
                "cpu": rounded(cpu),
                "memory_mb": rounded(memory_mb.unwrap_or(0.0)),
                "connections": has_database.then(|| connections.of(part.pid)).flatten(),
                "reason": part.reason,
            })
        };
        parts.iter().map(show).collect()
    }
}

impl PostgresMeter {
    /// The cores since the last reading, which is made once per second.
    pub(super) fn read(&mut self, pid: u32) -> f64 {
        self.ticks += 1;
        if self.ticks % SLOWLY == 1
            && let Ok(all) = Processes::tree_of(pid)
        {
            let (at, used_ms) = (Instant::now(), all.tree_cpu_ms(pid));
            if let Some((since, before_ms)) = self.before.replace((at, used_ms)) {
                let passed_ms = at.duration_since(since).as_secs_f64() * 1_000.0;
                self.cores = (used_ms - before_ms).max(0.0) / passed_ms;
            }
        }
        self.cores
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
