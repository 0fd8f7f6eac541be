//! The change between two comparisons, such as before and after a commit. Their runs were not made
//! next to each other, so there are no pairs, and drift between the two shows as a change.

use crate::model::Run;
use crate::statistics::interval::LEVEL;
use crate::statistics::sample::{mean, squares};
use crate::statistics::{Interval, holm, student};
use crate::verdict::judge;
use crate::{Finding, Measure};

/// The change of one measure.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    pub measure: Measure,
    /// Geometric means over the runs, in milliseconds.
    pub before_ms: f64,
    pub after_ms: f64,
    /// After over before, with its 95% interval. `None` when either side has fewer than two runs.
    pub ratio: Option<Interval>,
    pub finding: Finding,
}

/// Compares by Welch's t-test on logarithms, and judges the measures together by Holm's method.
pub fn between(before: &[&Run], after: &[&Run]) -> Vec<Change> {
    let logs = |runs: &[&Run], measure: Measure| -> Vec<f64> {
        let values = runs.iter().filter_map(|run| measure.of(run));
        values.map(f64::ln).collect()
    };
    let samples = Measure::ALL.map(|one| (one, logs(before, one), logs(after, one)));
    let taken = samples
        .iter()
        .filter(|(_, before, after)| !before.is_empty() && !after.is_empty());
    let taken: Vec<_> = taken.collect();
    let tests: Vec<Option<Test>> = taken
        .iter()
        .map(|(_, before, after)| Test::of(before, after))
        .collect();
    let chances = tests.iter().map(|test| test.map_or(1.0, Test::p_value));
    let significant = holm::significant(&chances.collect::<Vec<_>>(), LEVEL);

    let changes = taken.iter().zip(&tests).zip(significant);
    changes
        .map(|(((measure, before, after), test), significant)| {
            let interval = test.map(|test| test.interval(1));
            let bounds = test.map(|test| test.interval(tests.len()));
            let floor = bounds.map_or(f64::INFINITY, |bounds| bounds.high - bounds.mean);
            Change {
                measure: *measure,
                before_ms: mean(before).exp(),
                after_ms: mean(after).exp(),
                ratio: interval.map(Interval::exp),
                finding: judge(interval, bounds, floor, significant),
            }
        })
        .collect()
}

#[derive(Clone, Copy)]
struct Test {
    difference: f64,
    error: f64,
    freedom: f64,
}

impl Test {
    fn of(before: &[f64], after: &[f64]) -> Option<Test> {
        if before.len().min(after.len()) < 2 {
            return None;
        }
        let [one, other] = [before, after].map(|sample| {
            let freedom = sample.len() as f64 - 1.0;
            (squares(sample) / freedom / sample.len() as f64, freedom)
        });
        let variance = one.0 + other.0;
        let spread = one.0.powi(2) / one.1 + other.0.powi(2) / other.1;
        Some(Test {
            difference: mean(after) - mean(before),
            error: variance.sqrt(),
            // Without any spread there is nothing to estimate.
            freedom: if spread > 0.0 {
                variance.powi(2) / spread
            } else {
                one.1 + other.1
            },
        })
    }

    fn p_value(self) -> f64 {
        match self.difference == 0.0 {
            true => 1.0,
            false => student::two_sided(self.difference / self.error, self.freedom),
        }
    }

    fn interval(self, together: usize) -> Interval {
        Interval::around(self.difference, self.error, self.freedom, together)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs with these milliseconds of CPU per order.
    fn runs(values: &[f64]) -> Vec<Run> {
        let run = |value: &f64| Run {
            settled: 1,
            cpu_ms: [("monolith".to_owned(), *value)].into(),
            ..Run::default()
        };
        values.iter().map(run).collect()
    }

    fn change(before: &[f64], after: &[f64]) -> Change {
        let (before, after) = (runs(before), runs(after));
        let changes = between(&Vec::from_iter(&before), &Vec::from_iter(&after));
        assert_eq!(changes.len(), 1, "only CPU was measured");
        changes.into_iter().next().unwrap()
    }

    #[test]
    fn a_change_is_found_in_any_order_and_number_of_runs() {
        let found = change(&[2.0, 2.1, 1.9], &[4.1, 3.9, 4.0, 4.2]);
        assert_eq!(found.finding, Finding::Ratio);
        let ratio = found.ratio.unwrap();
        assert!(ratio.low < 2.02 && 2.02 < ratio.high, "{ratio:?}");

        let other_order = change(&[1.9, 2.0, 2.1], &[4.2, 4.1, 3.9, 4.0])
            .ratio
            .unwrap();
        assert!((ratio.low - other_order.low).abs() < 1e-9);
        assert!((ratio.high - other_order.high).abs() < 1e-9);
    }

    #[test]
    fn runs_that_only_spread_have_not_changed() {
        let found = change(&[2.0, 2.2, 1.9], &[2.1, 1.9, 2.05]);
        assert_eq!(found.finding, Finding::NoDifference);
        assert_eq!(change(&[2.0], &[4.0, 4.0]).ratio, None);
    }
}
