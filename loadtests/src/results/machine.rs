//! The machine a comparison ran on: without it no figure means anything.

use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, io::Write};

use serde::{Deserialize, Serialize};

use super::Quantiles;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub system: String,
    pub processor: String,
    pub cores: usize,
    pub memory_bytes: Option<u64>,
    /// How long the disk takes to make 8 KiB durable, in milliseconds: a commit cannot be faster.
    pub fsync_ms: Option<Quantiles>,
}

impl Machine {
    pub fn probe() -> Machine {
        let system = output("uname", &["-srm"]).unwrap_or_else(|| std::env::consts::OS.to_owned());
        Machine {
            system,
            processor: processor().unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory_bytes(),
            fsync_ms: fsync_latency().ok(),
        }
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

/// Appends and syncs one page at a time, as a database's log does, for at most half a second.
fn fsync_latency() -> std::io::Result<Quantiles> {
    let path = std::env::temp_dir().join(format!("twofold-fsync-{}", std::process::id()));
    let mut file = fs::File::create(&path)?;
    let page = [0x5a_u8; 8_192];
    let mut samples = vec![];
    let begin = Instant::now();
    let result = loop {
        if samples.len() == 200 || begin.elapsed() > Duration::from_millis(500) {
            break Ok(Quantiles::of(&mut samples));
        }
        let started = Instant::now();
        if let Err(error) = file.write_all(&page).and_then(|()| file.sync_data()) {
            break Err(error);
        }
        samples.push(started.elapsed().as_secs_f64() * 1_000.0);
    };
    fs::remove_file(&path)?;
    result
}
