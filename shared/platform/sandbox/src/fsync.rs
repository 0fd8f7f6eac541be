//! A probe of the time that this machine needs to make a write durable.
//!
//! Reports print it with their figures, because every commit waits for it and it varies tenfold on
//! shared machines.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Error;

/// The size of a page of Postgres.
const PAGE_BYTES: usize = 8192;

/// The latency of a write of 8 KiB with `fdatasync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FsyncLatency {
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
    /// The number of writes.
    pub writes: usize,
}

/// Overwrites pages of a file in `directory`, one after the other, as a write-ahead log does with
/// its recycled segments. It makes `writes` writes, at least one, and blocks the thread meanwhile.
///
/// # Errors
/// When the directory cannot be written to, or is full.
pub fn probe_fsync(directory: &Path, writes: usize) -> Result<FsyncLatency, Error> {
    let path = directory.join("fsync-probe");
    let latencies = measure(&path, writes.max(1)).map_err(Error::file(directory));
    // The file may be missing after a failed probe. Then the error of the probe comes first.
    let removed = std::fs::remove_file(&path).map_err(Error::file(&path));

    let mut latencies = latencies?;
    removed?;
    latencies.sort_unstable();
    Ok(FsyncLatency {
        p50: percentile(&latencies, 50),
        p99: percentile(&latencies, 99),
        writes: latencies.len(),
    })
}

fn measure(path: &Path, writes: usize) -> std::io::Result<Vec<Duration>> {
    let file = File::create(path)?;
    let page = [0x5a; PAGE_BYTES];
    // The file is filled first: growing it costs a second write, which a recycled segment does not.
    for number in 0..writes {
        file.write_all_at(&page, (number * PAGE_BYTES) as u64)?;
    }
    file.sync_all()?;

    let timed = |number: usize| {
        let started = Instant::now();
        file.write_all_at(&page, (number * PAGE_BYTES) as u64)?;
        file.sync_data()?;
        Ok(started.elapsed())
    };
    (0..writes).map(timed).collect()
}

/// The smallest latency that this percentage of the writes did not exceed (nearest rank).
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let sorted: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50), Duration::from_millis(100));
        assert_eq!(percentile(&sorted, 99), Duration::from_millis(198));
        assert_eq!(percentile(&sorted[..1], 99), Duration::from_millis(1));
    }

    #[test]
    fn the_probe_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let latency = probe_fsync(directory.path(), 20).unwrap();
        assert_eq!(latency.writes, 20);
        assert!(Duration::ZERO < latency.p50 && latency.p50 <= latency.p99);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = probe_fsync(Path::new("/nowhere"), 1).unwrap_err();
        assert!(error.to_string().contains("/nowhere"), "{error}");
    }
}
