//! What else went on while a run was measured.

use std::time::Duration;

use super::system::System;
use crate::results::Noise;

/// `ours_ms` is the CPU of everything that belongs to the comparison, `generator_ms` of that the
/// generator's.
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
        foreign_percent: difference(|system| system.busy_ms)
            .map(|busy| of_all_cores(busy - ours_ms)),
        generator_percent: Some(of_all_cores(generator_ms)),
    }
}
