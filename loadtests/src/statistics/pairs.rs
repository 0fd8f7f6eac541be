//! Which runs are compared with each other, and what their ratios tell.

use super::bootstrap::Interval;
use super::verdict::LEVEL;
use super::{Measure, student};
use crate::results::Run;

/// How far the shares of orders that ended one way or another may lie apart in a pair: what was
/// refused, or expired, took less work.
const ENDINGS_APART: f64 = 0.01;

/// The runs of both arms that ran next to each other, with the measure's value in each.
pub(super) struct Sample {
    pub base: Vec<f64>,
    pub other: Vec<f64>,
}

pub(super) fn paired(runs: &[&Run], base: &str, other: &str, measure: Measure) -> Sample {
    let pairs = sound_pairs(runs, base, other).into_iter();
    let alike = pairs.filter(|(base, other)| !are_apart(base, other));
    let values = alike.filter_map(|(base, other)| Some((measure.of(base)?, measure.of(other)?)));
    let (base, other) = values.unzip();
    Sample { base, other }
}

/// A run that was void and made again counts as it was made last.
fn sound_pairs<'a>(runs: &[&'a Run], base: &str, other: &str) -> Vec<(&'a Run, &'a Run)> {
    let sound = |arm: &str, pair: usize| {
        let mut ours = runs.iter().filter(|run| run.arm == arm && run.pair == pair);
        ours.find(|run| run.refusal().is_none()).copied()
    };
    let pairs = runs.iter().map(|run| run.pair + 1).max().unwrap_or(0);
    let pairs = (0..pairs).filter_map(|pair| Some((sound(base, pair)?, sound(other, pair)?)));
    pairs.collect()
}

fn are_apart(one: &Run, other: &Run) -> bool {
    one.endings.distance(&other.endings) > ENDINGS_APART
}

/// The first pair whose orders ended in different ways.
pub(super) fn apart(runs: &[&Run], base: &str, other: &str) -> Option<String> {
    let mut pairs = sound_pairs(runs, base, other).into_iter();
    let (one, two) = pairs.find(|(one, two)| are_apart(one, two))?;
    let (ours, theirs) = (one.endings, two.endings);
    Some(format!(
        "their orders did not end alike: of {base} {ours}, of {other} {theirs}"
    ))
}

impl Sample {
    pub(super) fn log_ratios(&self) -> Vec<f64> {
        let pairs = self.base.iter().zip(&self.other);
        pairs.map(|(base, other)| (other / base).ln()).collect()
    }

    /// The difference of means that two identical arms as noisy as these would show by chance in
    /// one of twenty comparisons of all `measures`. Two estimates of the same: from the spread of
    /// each arm's own runs, which has more to go by when pairs are few, and from the spread of the
    /// ratios, which is free of the drift that a pair shares. The smaller one counts.
    pub(super) fn floor(&self, measures: usize) -> f64 {
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
pub(super) fn squares(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// As the t-test has them, at a level that holds for all `measures` together.
pub(super) fn bounds(ratios: &[f64], measures: usize) -> Option<Interval> {
    if ratios.len() < 2 {
        return None;
    }
    let (count, freedom) = (ratios.len() as f64, ratios.len() as f64 - 1.0);
    let mean = ratios.iter().sum::<f64>() / count;
    let error = (squares(ratios) / freedom / count).sqrt();
    Some(Interval::around(mean, error, freedom, measures))
}

/// The paired t-test on logarithms of ratios.
pub(super) fn p_value(ratios: &[f64]) -> f64 {
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
