//! What may be said of two arms. There are four kinds of sentence and no others.

use serde::Serialize;

use super::bootstrap::{self, Interval};
use super::{Measure, holm, student};
use crate::results::Run;
use crate::results::run::Cell;

/// Differences within this are of no interest, however sure: 5%.
pub const EQUIVALENCE: f64 = 0.05;
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
    /// The smallest ratio that noise alone would not show, as in 1.08.
    pub floor: f64,
    pub finding: Finding,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub enum Finding {
    Ratio,
    NoDifference,
    Inconclusive,
    Void { because: String },
}

/// The runs of both arms that ran next to each other, with the measure's value in each.
struct Sample {
    base: Vec<f64>,
    other: Vec<f64>,
}

/// Judges all headline measures of one cell together.
pub fn compare(runs: &[Run], base: &str, other: &str, cell: &Cell, seed: u64) -> Vec<Comparison> {
    let of_cell: Vec<&Run> = runs.iter().filter(|run| run.cell() == *cell).collect();
    let void = void_reason(&of_cell, base, other);
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
            let finding = match &void {
                Some(because) => Finding::Void {
                    because: because.clone(),
                },
                None => judge(interval, floor, significant[n]),
            };
            Comparison {
                measure,
                cell: cell.clone(),
                base: base.to_owned(),
                other: other.to_owned(),
                pairs: logs[n].len(),
                base_ms: median(&samples[n].base),
                other_ms: median(&samples[n].other),
                ratio: interval.map(Interval::exp),
                floor: floor.exp(),
                finding,
            }
        })
        .collect()
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

/// Two sets of runs that were not made next to each other, as before and after a change: their
/// order within each set takes the place of the pair. What drifted in between shows as a change.
pub fn between(before: &[&Run], after: &[&Run], seed: u64) -> Vec<Comparison> {
    let relabelled = |runs: &[&Run], arm: &str| -> Vec<Run> {
        let numbered = runs.iter().enumerate();
        numbered
            .map(|(pair, run)| Run {
                arm: arm.to_owned(),
                pair,
                ..(*run).clone()
            })
            .collect()
    };
    let mut runs = relabelled(before, "before");
    runs.extend(relabelled(after, "after"));
    match runs.first().map(Run::cell) {
        Some(cell) => compare(&runs, "before", "after", &cell, seed),
        None => vec![],
    }
}

/// `floor` is the logarithm below which noise alone explains a difference.
fn judge(interval: Option<Interval>, floor: f64, significant: bool) -> Finding {
    let Some(interval) = interval else {
        return Finding::Inconclusive;
    };
    let band = (1.0 + EQUIVALENCE).ln().max(floor);
    let excludes_one = interval.low > 0.0 || interval.high < 0.0;
    match interval.mean.abs() > band {
        true if significant && excludes_one => Finding::Ratio,
        true => Finding::Inconclusive,
        false => Finding::NoDifference,
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
    match (first, usable) {
        (Some(reason), 0 | 1) => Some(reason),
        (None, 0) => Some("no order settled in one of the arms".to_owned()),
        _ => None,
    }
}

fn paired(runs: &[&Run], base: &str, other: &str, measure: Measure) -> Sample {
    let usable = |arm: &str, pair: usize| {
        let found = runs.iter().find(|run| run.arm == arm && run.pair == pair);
        found
            .filter(|run| run.refusal().is_none())
            .and_then(|run| measure.of(run))
    };
    let pairs = runs
        .iter()
        .map(|run| run.pair)
        .max()
        .map_or(0, |last| last + 1);
    let (base, other) = (0..pairs)
        .filter_map(|pair| Some((usable(base, pair)?, usable(other, pair)?)))
        .unzip();
    Sample { base, other }
}

impl Sample {
    fn log_ratios(&self) -> Vec<f64> {
        let pairs = self.base.iter().zip(&self.other);
        pairs.map(|(base, other)| (other / base).ln()).collect()
    }

    /// The difference of means that two identical arms as noisy as these would show by chance in
    /// one of twenty comparisons of all `measures`. Two estimates of the same: from the spread of
    /// each arm's own runs, which has more to go by when pairs are few, and from the spread of the
    /// ratios, which is free of the drift that a pair shares. The smaller one counts.
    fn floor(&self, measures: usize) -> f64 {
        let pairs = self.base.len() as f64;
        if self.base.len() < 2 {
            return f64::INFINITY;
        }
        let chance = 1.0 - LEVEL / (2.0 * measures as f64);
        let by_spread = |squares: f64, freedom: f64, variances: f64| {
            student::quantile(chance, freedom) * (variances * squares / freedom / pairs).sqrt()
        };
        let arms = log_squares(&self.base) + log_squares(&self.other);
        let unpaired = by_spread(arms, 2.0 * (pairs - 1.0), 2.0);
        unpaired.min(by_spread(squares(&self.log_ratios()), pairs - 1.0, 1.0))
    }
}

fn log_squares(values: &[f64]) -> f64 {
    squares(&values.iter().map(|value| value.ln()).collect::<Vec<_>>())
}

/// The sum of squared deviations from the mean.
fn squares(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// The paired t-test on logarithms of ratios.
fn p_value(ratios: &[f64]) -> f64 {
    let count = ratios.len() as f64;
    if ratios.len() < 2 {
        return 1.0;
    }
    let mean = ratios.iter().sum::<f64>() / count;
    let error = (squares(ratios) / (count - 1.0) / count).sqrt();
    if mean == 0.0 {
        return 1.0;
    }
    student::two_sided(mean / error, count - 1.0)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

impl Interval {
    fn exp(self) -> Interval {
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
            (Finding::Void { because }, _) => format!("{name} {what}: void, because {because}."),
            (Finding::Ratio, Some(Interval { mean, low, high })) => format!(
                "{name} {what}: {mean:.2} times as much for {other} as for {base}, 95% interval \
                 {low:.2} to {high:.2}."
            ),
            (Finding::NoDifference, _) => {
                let band = (self.floor - 1.0).max(EQUIVALENCE) * 100.0;
                format!(
                    "{name} {what}: no difference shown between {other} and {base} beyond \
                        {band:.0}%."
                )
            }
            (_, Some(Interval { low, high, .. })) => format!(
                "{name} {what}: inconclusive, anything from {low:.2} to {high:.2} times fits these \
                 {} pairs of runs.",
                self.pairs
            ),
            (_, None) => {
                format!("{name} {what}: inconclusive, one pair of runs has no interval.")
            }
        }
    }
}
