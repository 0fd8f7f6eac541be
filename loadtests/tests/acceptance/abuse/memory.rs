//! The memory of the processes of a shop.

use harness::measure::processes::peak_memory_bytes;

use crate::shops::Shop;

/// The largest resident set of each process so far. Empty for a shop elsewhere.
pub(super) struct Peaks(Vec<(String, u64)>);

impl Peaks {
    pub(super) fn of(shop: &Shop) -> Peaks {
        let started = shop.started.as_ref();
        let processes = started.map(|started| &started.deployment.processes);
        let peaks = processes.into_iter().flatten().map(|process| {
            let bytes = peak_memory_bytes(process.pid()).expect("the process runs");
            (process.name.clone(), bytes)
        });
        Peaks(peaks.collect())
    }

    /// Names each process that has grown by more than `limit` bytes since.
    pub(super) fn grown(self, shop: &Shop, limit: u64) -> Vec<String> {
        let mut grown = vec![];
        for ((name, before), (_, now)) in self.0.into_iter().zip(Peaks::of(shop).0) {
            let growth = now.saturating_sub(before);
            if growth > limit {
                grown.push(format!("{name} grew by {} MiB", growth >> 20));
            }
        }
        grown
    }
}
