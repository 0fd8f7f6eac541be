//! The headline measures: few, named before the runs, and judged together.

use crate::model::Run;

/// Something that both arms have and the comparison judges. For each measure less is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Measure {
    CpuPerOrder,
    SettledMedian,
    SettledTail,
    AcknowledgedMedian,
    AcknowledgedTail,
}

impl Measure {
    pub const ALL: [Measure; 5] = [
        Measure::CpuPerOrder,
        Measure::SettledMedian,
        Measure::SettledTail,
        Measure::AcknowledgedMedian,
        Measure::AcknowledgedTail,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Measure::CpuPerOrder => "CPU per settled order",
            Measure::SettledMedian => "time to settled, p50",
            Measure::SettledTail => "time to settled, p99",
            Measure::AcknowledgedMedian => "acknowledgement, p50",
            Measure::AcknowledgedTail => "acknowledgement, p99",
        }
    }

    /// The name where there is little room.
    pub fn short(self) -> &'static str {
        match self {
            Measure::CpuPerOrder => "CPU per order",
            Measure::SettledMedian => "settled, p50",
            Measure::SettledTail => "settled, p99",
            Measure::AcknowledgedMedian => "answered, p50",
            Measure::AcknowledgedTail => "answered, p99",
        }
    }

    pub fn is_settled(self) -> bool {
        matches!(self, Measure::SettledMedian | Measure::SettledTail)
    }

    /// The value of a run in milliseconds. `None` when the run has no such number.
    pub fn of(self, run: &Run) -> Option<f64> {
        let value = match self {
            Measure::CpuPerOrder if run.settled > 0 => run.cpu_ms_per_order(),
            Measure::CpuPerOrder => f64::NAN,
            Measure::SettledMedian => run.settled_ms.p50,
            Measure::SettledTail => run.settled_ms.p99,
            Measure::AcknowledgedMedian => run.acknowledged_ms.p50,
            Measure::AcknowledgedTail => run.acknowledged_ms.p99,
        };
        (value.is_finite() && value > 0.0).then_some(value)
    }
}
