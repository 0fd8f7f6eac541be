//! What an arm uses, second by second.

use std::collections::HashMap;
use std::time::Duration;

use analysis::model::UsageSample;
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use crate::measure::processes::{Processes, memory_bytes, program};

const INTERVAL: Duration = Duration::from_secs(1);

/// The processes of an arm, found by their programs: a fault replaces processes.
pub(super) struct Watched {
    pub(super) programs: &'static [&'static str],
    pub(super) postgres_pids: Vec<u32>,
}

/// CPU in milliseconds of each of the arm's processes, and of Postgres, at one moment.
struct Reading {
    at_s: f64,
    arm: HashMap<u32, f64>,
    postgres_ms: f64,
}

/// Reads the usage from `begin` until `end` is cancelled.
///
/// # Errors
/// When the operating system does not list processes.
pub(super) async fn watch(
    watched: Watched,
    begin: Instant,
    end: &CancellationToken,
) -> anyhow::Result<Vec<UsageSample>> {
    let mut ticks = interval_at(begin, INTERVAL);
    let mut samples = vec![];
    let mut before: Option<Reading> = None;
    while end.run_until_cancelled(ticks.tick()).await.is_some() {
        let now = watched.read(begin.elapsed().as_secs_f64())?;
        if let Some(before) = before.filter(|_| !now.arm.is_empty()) {
            samples.push(between(&before, &now));
        }
        before = Some(now);
    }
    Ok(samples)
}

impl Watched {
    fn read(&self, at_s: f64) -> anyhow::Result<Reading> {
        let processes = Processes::now()?;
        let ours = processes.tree(std::process::id());
        let of_arm = |pid: &u32| {
            let program = program(*pid);
            program.is_some_and(|program| self.programs.contains(&&*program))
        };
        let arm = ours.into_iter().filter(of_arm);
        let servers = self.postgres_pids.iter();
        Ok(Reading {
            at_s,
            arm: arm.map(|pid| (pid, processes.cpu_ms(pid))).collect(),
            postgres_ms: servers.map(|pid| processes.tree_cpu_ms(*pid)).sum(),
        })
    }
}

/// A process that was not there before has used everything since.
fn between(before: &Reading, now: &Reading) -> UsageSample {
    let wall_ms = (now.at_s - before.at_s) * 1_000.0;
    let used = now.arm.iter().map(|(pid, cpu_ms)| {
        let earlier = before.arm.get(pid).copied().unwrap_or(0.0);
        (cpu_ms - earlier).max(0.0)
    });
    let postgres_ms = (now.postgres_ms - before.postgres_ms).max(0.0);
    UsageSample {
        at_s: now.at_s,
        cores: used.sum::<f64>() / wall_ms,
        postgres_cores: postgres_ms / wall_ms,
        memory_bytes: now.arm.keys().filter_map(|pid| memory_bytes(*pid)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_was_replaced_counts_from_its_start() {
        let reading = |at_s, arm: &[(u32, f64)], postgres_ms| Reading {
            at_s,
            arm: arm.iter().copied().collect(),
            postgres_ms,
        };
        let before = reading(1.0, &[(1, 500.0), (2, 900.0)], 100.0);
        let now = reading(3.0, &[(1, 1_500.0), (3, 400.0)], 1_100.0);
        let used = between(&before, &now);
        assert!((used.cores - 0.7).abs() < 1e-9, "{used:?}");
        assert!((used.postgres_cores - 0.5).abs() < 1e-9, "{used:?}");
    }
}
