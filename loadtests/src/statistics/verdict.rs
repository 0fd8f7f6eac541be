//! What may be said of two arms. There are four kinds of sentence and no others.

use serde::Serialize;

use super::bootstrap::{self, Interval};
use super::pairs::{Sample, apart, bounds, p_value, paired};
use super::{Measure, holm, median, student};
use crate::results::Run;
use crate::results::run::Cell;

/// Differences within this are of no interest, however sure: 5%.
pub const EQUIVALENCE: f64 = 0.05;
/// Where even this ratio would fit, or its inverse, nobody looked closely enough to say that no
/// difference was shown.
pub const COARSEST: f64 = 4.0;
/// The chance taken of claiming a difference that is none, over all headline measures together.
pub const LEVEL: f64 = 0.05;

/// Two arms in one cell, by one measure.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    pub measure: Measure,
    pub cell: Cell,
    pub base: String,
    pub other: String,
    pub pairs: usize,
    /// Medians over the runs, in milliseconds.
    pub base_ms: f64,
    pub other_ms: f64,
    /// The other arm's value over the base's, with its 95% interval; none below two pairs.
    pub ratio: Option<Interval>,
    /// Where the ratio lies with 95% for all measures of this comparison together.
    pub bounds: Option<Interval>,
    /// The smallest ratio that noise alone would not show, as in 1.08.
    pub floor: f64,
    pub finding: Finding,
    /// Whether the other arm's queues were those of this machine, at its speed.
    pub on_local_sqs: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub enum Finding {
    Ratio,
    NoDifference,
    Inconclusive,
    Void { because: String },
}

const UNKNOWN: Interval = Interval {
    mean: f64::NAN,
    low: 0.0,
    high: f64::INFINITY,
};

/// Judges all headline measures of one cell together. An arm that needs no SQS was not run again
/// where SQS is slow: its neighbouring runs in the plain cell stand for it.
pub fn compare(runs: &[Run], base: &str, other: &str, cell: &Cell, seed: u64) -> Vec<Comparison> {
    let base_cell = cell_of(runs, base, cell);
    let belongs = |run: &&Run| match run.arm == base {
        true => run.cell() == base_cell,
        false => run.cell() == *cell,
    };
    let of_cell: Vec<&Run> = runs.iter().filter(belongs).collect();
    let void = void_reason(&of_cell, base, other);
    let queues = of_cell.iter().find(|run| run.arm == other);
    let queues = queues.filter(|run| !run.cpu_ms.is_empty() && !run.sqs_calls.is_empty());
    let on_local_sqs = queues.is_some_and(|run| !run.remote_sqs);
    let measures = measured(&of_cell);
    let samples: Vec<Sample> = measures
        .iter()
        .map(|measure| paired(&of_cell, base, other, *measure))
        .collect();

    let logs: Vec<Vec<f64>> = samples.iter().map(Sample::log_ratios).collect();
    let p_values: Vec<f64> = logs.iter().map(|ratios| p_value(ratios)).collect();
    let significant = holm::significant(&p_values, LEVEL);

    measures
        .iter()
        .enumerate()
        .map(|(n, &measure)| {
            let floor = samples[n].floor(measures.len());
            let interval = bootstrap::interval(&logs[n], seed);
            let bounds = bounds(&logs[n], measures.len());
            let finding = match &void {
                Some(because) => Finding::Void {
                    because: because.clone(),
                },
                None => judge(interval, bounds, floor, significant[n]),
            };
            Comparison {
                measure,
                cell: cell.clone(),
                base: base.to_owned(),
                other: other.to_owned(),
                pairs: logs[n].len(),
                base_ms: median(samples[n].base.iter().copied()),
                other_ms: median(samples[n].other.iter().copied()),
                ratio: interval.map(Interval::exp),
                bounds: bounds.map(Interval::exp),
                floor: floor.exp(),
                finding,
                on_local_sqs,
            }
        })
        .collect()
}

/// The cell in which this arm's runs for a cell are.
pub fn cell_of(runs: &[Run], arm: &str, cell: &Cell) -> Cell {
    let there = runs.iter().any(|run| run.arm == arm && run.cell() == *cell);
    Cell {
        remote_sqs: cell.remote_sqs && there,
        ..cell.clone()
    }
}

/// Measures that nobody took are not judged: what runs elsewhere shows no CPU. When nothing at all
/// was measured, all of them are void.
fn measured(runs: &[&Run]) -> Vec<Measure> {
    let taken = |measure: &&Measure| runs.iter().any(|run| measure.of(run).is_some());
    let measured: Vec<Measure> = Measure::ALL.iter().filter(taken).copied().collect();
    match measured.is_empty() {
        true => Measure::ALL.to_vec(),
        false => measured,
    }
}

/// All of these are logarithms. `bounds` hold the truth of all measures together, and `floor` is
/// what noise alone explains.
pub(super) fn judge(
    interval: Option<Interval>,
    bounds: Option<Interval>,
    floor: f64,
    significant: bool,
) -> Finding {
    let (Some(interval), Some(bounds)) = (interval, bounds) else {
        return Finding::Inconclusive;
    };
    let equal = (1.0 + EQUIVALENCE).ln();
    let none_shown =
        bounds.is_within(equal) || !bounds.excludes_one() && bounds.is_within(COARSEST.ln());
    match interval.mean.abs() > equal.max(floor) {
        true if significant && interval.excludes_one() => Finding::Ratio,
        false if none_shown => Finding::NoDifference,
        _ => Finding::Inconclusive,
    }
}

/// A broken promise voids the whole cell. A run void for another reason only loses its pair, as
/// long as two pairs are left.
fn void_reason(runs: &[&Run], base: &str, other: &str) -> Option<String> {
    let mut ours = runs
        .iter()
        .filter(|run| run.arm == base || run.arm == other);
    if let Some(failure) = ours.clone().find_map(|run| run.audit.failure()) {
        return Some(failure);
    }
    let first = ours.find_map(|run| run.void.clone());
    let usable = paired(runs, base, other, Measure::SettledMedian).base.len();
    let first = first.or_else(|| apart(runs, base, other));
    match (first, usable) {
        (Some(reason), 0 | 1) => Some(reason),
        (None, 0) => Some("no order settled in one of the arms".to_owned()),
        _ => None,
    }
}

impl Interval {
    /// By Student's t, at 95% for so many of its kind together.
    pub(super) fn around(mean: f64, error: f64, freedom: f64, together: usize) -> Interval {
        let chance = 1.0 - LEVEL / (2.0 * together as f64);
        let reach = student::quantile(chance, freedom) * error;
        Interval {
            mean,
            low: mean - reach,
            high: mean + reach,
        }
    }

    /// Of logarithms.
    fn excludes_one(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }

    fn is_within(self, reach: f64) -> bool {
        -reach <= self.low && self.high <= reach
    }

    pub(super) fn exp(self) -> Interval {
        Interval {
            mean: self.mean.exp(),
            low: self.low.exp(),
            high: self.high.exp(),
        }
    }
}

impl Comparison {
    /// The verdict, whole. `what` describes the cell, as in "at 50 orders/s"; the arms are called
    /// by these names.
    pub fn sentence(&self, what: &str, base: &str, other: &str) -> String {
        let name = self.measure.name();
        match (&self.finding, self.ratio) {
            (Finding::Void { because }, _) => {
                format!("all of {other} against {base} {what}: void, because {because}.")
            }
            (Finding::Ratio, Some(Interval { mean, low, high })) => format!(
                "{name} {what}: {mean:.2} times as much for {other} as for {base}, 95% interval \
                 {low:.2} to {high:.2}."
            ),
            (Finding::NoDifference, _) => {
                let Interval { low, high, .. } = self.bounds.unwrap_or(UNKNOWN);
                format!(
                    "{name} {what}: no difference shown between {other} and {base}. If there is \
                     one, it lies between {low:.2} and {high:.2} times, with 95% for all measures \
                     here together."
                )
            }
            (_, Some(Interval { low, high, .. })) => format!(
                "{name} {what}: inconclusive, anything from {low:.2} to {high:.2} times fits these \
                 {} pairs of runs.",
                self.pairs
            ),
            (_, None) => {
                format!(
                    "all of {other} against {base} {what}: inconclusive, one pair of runs has no \
                     interval."
                )
            }
        }
    }
}
