//! The interval of a mean by resampling: the bootstrap.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::{Interval, sample, student};

const RESAMPLES: usize = 4_000;

/// The 95% interval of the mean by the percentile bootstrap, widened for small samples. Resampling
/// `n` values treats them as the whole population, which makes the interval too narrow by about
/// `sqrt((n - 1) / n) * z / t`; dividing by it is the expanded percentile interval of Hesterberg,
/// "What Teachers Should Know About the Bootstrap" (2015). Fewer than two values have
/// no interval.
pub fn interval(sample: &[f64], seed: u64) -> Option<Interval> {
    if sample.len() < 2 {
        return None;
    }
    let count = sample.len() as f64;
    let mean = sample::mean(sample);

    let mut random = SmallRng::seed_from_u64(seed);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..sample.len()).map(|_| sample[random.random_range(0..sample.len())]);
            drawn.sum::<f64>() / count
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let low = means[RESAMPLES * 25 / 1_000];
    let high = means[RESAMPLES * 975 / 1_000 - 1];

    let normal = 1.959_964;
    let widening = (count / (count - 1.0)).sqrt() * student::quantile(0.975, count - 1.0) / normal;
    Some(Interval {
        mean,
        low: mean - (mean - low) * widening,
        high: mean + (high - mean) * widening,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::normal::Normal;

    #[test]
    fn ninety_five_of_a_hundred_intervals_hold_the_truth() {
        for count in [3, 5, 12] {
            let mut normal = Normal::seeded(count as u64);
            let held = (0..400)
                .filter(|n| {
                    let sample: Vec<f64> = (0..count).map(|_| 0.3 + 0.1 * normal.draw()).collect();
                    let interval = interval(&sample, *n).unwrap();
                    interval.low <= 0.3 && 0.3 <= interval.high
                })
                .count();
            assert!(held >= 360, "{held} of 400 with samples of {count}");
        }
    }

    #[test]
    fn one_value_has_no_interval() {
        assert_eq!(interval(&[1.0], 1), None);
    }
}
