//! The verdict on two arms in one cell. There are four kinds of finding and no others.

use serde::Serialize;

use crate::Measure;
use crate::model::{ArmName, Cell, Run};
use crate::pairs::{Sample, bounds, different_endings, p_value, paired};
use crate::selection::cell_of;
use crate::statistics::interval::LEVEL;
use crate::statistics::{Interval, bootstrap, holm, median};

/// Differences within 5% count as equal, even if they are certain.
pub const EQUIVALENCE: f64 = 0.05;
/// The largest ratio, and its inverse, that *no difference shown* may leave open. With wider bounds
/// the runs have not looked closely enough.
pub const COARSEST: f64 = 4.0;
/// Pairs of runs per cell that find a difference of a fifth nine times of ten. The tests in
/// `simulation.rs` show it.
pub const FULL_PAIRS: usize = 12;

/// Two arms in one cell, by one measure.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    pub measure: Measure,
    pub cell: Cell,
    pub base: ArmName,
    pub other: ArmName,
    pub pairs: usize,
    /// Medians over the runs, in milliseconds.
    pub base_ms: f64,
    pub other_ms: f64,
    /// The other arm's value over the base's, with its 95% interval. `None` below two pairs.
    pub ratio: Option<Interval>,
    /// The bounds of the ratio with 95% for all measures of this comparison together.
    pub bounds: Option<Interval>,
    /// The smallest ratio that noise alone would not show, as in 1.08.
    pub floor: f64,
    pub finding: Finding,
    /// Whether the other arm used the queue server of this machine at its own speed.
    pub on_local_sqs: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub enum Finding {
    Ratio,
    NoDifference,
    Inconclusive,
    Void { because: String },
}

impl Comparison {
    pub fn is_void(&self) -> bool {
        matches!(self.finding, Finding::Void { .. })
    }
}

/// Judges all headline measures of one cell together. An arm without SQS has no runs of its own
/// in a cell with slow SQS: its neighbouring runs in the plain cell stand for it.
pub fn compare(
    runs: &[Run],
    base: &ArmName,
    other: &ArmName,
    cell: &Cell,
    seed: u64,
) -> Vec<Comparison> {
    let base_cell = cell_of(runs, base, cell);
    let belongs = |run: &&Run| match run.arm == *base {
        true => run.cell() == base_cell,
        false => run.cell() == *cell,
    };
    let of_cell: Vec<&Run> = runs.iter().filter(belongs).collect();
    let void = void_reason(&of_cell, base, other);
    let on_local_sqs = is_on_local_sqs(&of_cell, other);
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
                cell: *cell,
                base: base.clone(),
                other: other.clone(),
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

fn is_on_local_sqs(runs: &[&Run], arm: &ArmName) -> bool {
    let first = runs.iter().find(|run| run.arm == *arm);
    let ours = first.filter(|run| !run.cpu_ms.is_empty() && !run.sqs_calls.is_empty());
    ours.is_some_and(|run| !run.remote_sqs)
}

/// The measures that the runs have: processes elsewhere show no CPU. When the runs have none, all
/// measures are judged, and are void.
fn measured(runs: &[&Run]) -> Vec<Measure> {
    let taken = |measure: &&Measure| runs.iter().any(|run| measure.of(run).is_some());
    let measured: Vec<Measure> = Measure::ALL.iter().filter(taken).copied().collect();
    match measured.is_empty() {
        true => Measure::ALL.to_vec(),
        false => measured,
    }
}

/// Decides between the findings. All arguments are logarithms: `bounds` hold the truth of all
/// measures together, and `floor` is what noise alone explains.
pub(crate) fn judge(
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

/// A broken promise voids the whole cell. A run that is void for another reason only loses its
/// pair, as long as two pairs are left.
fn void_reason(runs: &[&Run], base: &ArmName, other: &ArmName) -> Option<String> {
    let mut ours = runs
        .iter()
        .filter(|run| run.arm == *base || run.arm == *other);
    if let Some(failure) = ours.clone().find_map(|run| run.audit.failure()) {
        return Some(failure);
    }
    let first = ours.find_map(|run| run.void.clone());
    let usable = paired(runs, base, other, Measure::SettledMedian).base.len();
    let first = first.or_else(|| different_endings(runs, base, other));
    match (first, usable) {
        (Some(reason), 0 | 1) => Some(reason),
        (None, 0) => Some("no order settled in one of the arms".to_owned()),
        _ => None,
    }
}
