//! CPU time and memory of this process as Linux reports them; zeros elsewhere.

use std::fs;
use std::time::Duration;

/// The CPU time so far of all threads whose names begin with `name`.
pub(crate) fn cpu_of(name: &str) -> Duration {
    let tasks = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let of_task = |task: fs::DirEntry| {
        let comm = fs::read_to_string(task.path().join("comm")).ok()?;
        let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let nanoseconds = times.split(' ').next()?.parse().ok()?;
        comm.starts_with(name)
            .then(|| Duration::from_nanos(nanoseconds))
    };
    tasks.filter_map(of_task).sum()
}

/// Resident memory, in bytes.
pub(crate) fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
    kib.unwrap_or_default() * 1024.0
}
