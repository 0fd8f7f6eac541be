//! Counters of the whole machine. All are optional, since only Linux shows them.

use std::fs;

/// Running totals of the machine, in milliseconds over all cores.
#[derive(Clone, Copy, Default, Debug)]
pub struct System {
    pub busy_ms: Option<f64>,
    pub steal_ms: Option<f64>,
    /// Time during which some task waited for a core, or for the disk.
    pub cpu_pressure_ms: Option<f64>,
    pub io_pressure_ms: Option<f64>,
}

impl System {
    pub fn now() -> System {
        let stat = fs::read_to_string("/proc/stat").ok();
        let times = stat.as_deref().and_then(cpu_times);
        System {
            busy_ms: times.map(|times| times.0),
            steal_ms: times.map(|times| times.1),
            cpu_pressure_ms: pressure_ms("cpu"),
            io_pressure_ms: pressure_ms("io"),
        }
    }
}

/// Busy and stolen milliseconds. The line is `cpu user nice system idle iowait irq softirq steal`,
/// in hundredths of a second; guest time is counted within user time.
fn cpu_times(stat: &str) -> Option<(f64, f64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line
        .split_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let busy = ticks.first()? + ticks.get(1)? + ticks.get(2)? + ticks.get(5)? + ticks.get(6)?;
    Some((busy * 10.0, ticks.get(7)? * 10.0))
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=123`, the total in microseconds.
fn pressure_ms(resource: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/pressure/{resource}")).ok()?;
    let total = text.lines().next()?.rsplit_once("total=")?.1;
    Some(total.trim().parse::<f64>().ok()? / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_stat_is_the_sum_of_all_cores() {
        let stat = "cpu  10 1 5 1000 7 2 3 4 0 0\ncpu0 10 1 5 1000 7 2 3 4 0 0\n";
        assert_eq!(cpu_times(stat), Some((210.0, 40.0)));
    }
}
