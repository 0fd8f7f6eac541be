//! The noise of a run: the other work of the machine during the load.

use std::time::Duration;

use analysis::model::Noise;

use super::system::System;

/// `ours_ms` is the CPU of everything that belongs to the comparison, and `generator_ms` the part
/// of it that the generator used.
pub fn noise(
    before: System,
    after: System,
    wall: Duration,
    ours_ms: f64,
    generator_ms: f64,
) -> Noise {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let wall_ms = wall.as_secs_f64() * 1_000.0;
    let difference = |of: fn(System) -> Option<f64>| Some(of(after)? - of(before)?);
    let of_all_cores = |ms: f64| (ms / wall_ms / cores * 100.0).max(0.0);
    let of_the_time = |ms: f64| (ms / wall_ms * 100.0).max(0.0);
    Noise {
        steal_percent: difference(|system| system.steal_ms).map(of_all_cores),
        cpu_pressure_percent: difference(|system| system.cpu_pressure_ms).map(of_the_time),
        io_pressure_percent: difference(|system| system.io_pressure_ms).map(of_the_time),
        other_processes_percent: difference(|system| system.busy_ms)
            .map(|busy| of_all_cores(busy - ours_ms)),
        generator_percent: Some(of_all_cores(generator_ms)),
    }
}
