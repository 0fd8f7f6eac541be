//! Pairs of neighbouring runs, and what their ratios show.

use crate::Measure;
use crate::model::{ArmName, Run};
use crate::statistics::interval::LEVEL;
use crate::statistics::sample::{mean, squares};
use crate::statistics::{Interval, student};

/// The largest difference between the shares of orders that ended one way or another in a pair:
/// refused and expired orders took less work.
const MAX_ENDINGS_DISTANCE: f64 = 0.01;

/// The values of one measure in the runs of both arms that ran next to each other.
pub(crate) struct Sample {
    pub(crate) base: Vec<f64>,
    pub(crate) other: Vec<f64>,
}

/// Takes the pairs that are valid and whose orders ended in the same ways.
pub(crate) fn paired(runs: &[&Run], base: &ArmName, other: &ArmName, measure: Measure) -> Sample {
    let pairs = valid_pairs(runs, base, other).into_iter();
    let same = pairs.filter(|(base, other)| !ended_differently(base, other));
    let values = same.filter_map(|(base, other)| Some((measure.of(base)?, measure.of(other)?)));
    let (base, other) = values.unzip();
    Sample { base, other }
}

/// A void run that was repeated counts by its repetition.
fn valid_pairs<'a>(runs: &[&'a Run], base: &ArmName, other: &ArmName) -> Vec<(&'a Run, &'a Run)> {
    let valid = |arm: &ArmName, pair: usize| {
        let mut ours = runs
            .iter()
            .filter(|run| run.arm == *arm && run.pair == pair);
        ours.find(|run| run.refusal().is_none()).copied()
    };
    let pairs = runs.iter().map(|run| run.pair + 1).max().unwrap_or(0);
    let pairs = (0..pairs).filter_map(|pair| Some((valid(base, pair)?, valid(other, pair)?)));
    pairs.collect()
}

fn ended_differently(one: &Run, other: &Run) -> bool {
    one.endings.distance(&other.endings) > MAX_ENDINGS_DISTANCE
}

/// Describes the first pair whose orders ended in different ways.
pub(crate) fn different_endings(runs: &[&Run], base: &ArmName, other: &ArmName) -> Option<String> {
    let mut pairs = valid_pairs(runs, base, other).into_iter();
    let (one, two) = pairs.find(|(one, two)| ended_differently(one, two))?;
    let (ours, theirs) = (one.endings, two.endings);
    Some(format!(
        "their orders ended differently: of {base} {ours}, of {other} {theirs}"
    ))
}

impl Sample {
    pub(crate) fn log_ratios(&self) -> Vec<f64> {
        let pairs = self.base.iter().zip(&self.other);
        pairs.map(|(base, other)| (other / base).ln()).collect()
    }

    /// The noise floor: the difference of means that two identical arms as noisy as these would
    /// show by chance in one of twenty comparisons of all `measures`. It is the smaller of two
    /// estimates: from the spread of each arm's own runs, which has more data when pairs are few,
    /// and from the spread of the ratios, which is free of the drift that a pair shares.
    pub(crate) fn floor(&self, measures: usize) -> f64 {
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

/// The interval of the t-test, at a level that holds for all `measures` together.
pub(crate) fn bounds(ratios: &[f64], measures: usize) -> Option<Interval> {
    if ratios.len() < 2 {
        return None;
    }
    let (count, freedom) = (ratios.len() as f64, ratios.len() as f64 - 1.0);
    let error = (squares(ratios) / freedom / count).sqrt();
    Some(Interval::around(mean(ratios), error, freedom, measures))
}

/// The paired t-test on logarithms of ratios.
pub(crate) fn p_value(ratios: &[f64]) -> f64 {
    let count = ratios.len() as f64;
    if ratios.len() < 2 {
        return 1.0;
    }
    let mean = mean(ratios);
    let error = (squares(ratios) / (count - 1.0) / count).sqrt();
    if mean == 0.0 {
        return 1.0;
    }
    student::two_sided(mean / error, count - 1.0)
}
