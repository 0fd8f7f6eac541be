//! Describes this machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use analysis::model::{Fsync, Machine};

/// This machine, without its disk.
pub fn probe() -> Machine {
    let system = output("uname", &["-srm"]).unwrap_or_else(|| std::env::consts::OS.to_owned());
    Machine {
        system,
        processor: processor().unwrap_or_else(|| "unknown".to_owned()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: memory_bytes(),
        fsync: None,
    }
}

fn processor() -> Option<String> {
    let linux = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    linux.or_else(|| output("sysctl", &["-n", "machdep.cpu.brand_string"]))
}

fn memory_bytes() -> Option<u64> {
    let linux = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    });
    linux.or_else(|| output("sysctl", &["-n", "hw.memsize"])?.parse().ok())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// Measures how long a durable write takes in the directory of the databases.
///
/// # Errors
/// When the directory cannot be written to.
pub fn fsync(databases: &Path) -> Result<Fsync, sandbox::Error> {
    let latency = sandbox::probe_fsync(databases, 100)?;
    Ok(Fsync {
        p50_ms: latency.p50.as_secs_f64() * 1_000.0,
        p99_ms: latency.p99.as_secs_f64() * 1_000.0,
    })
}
