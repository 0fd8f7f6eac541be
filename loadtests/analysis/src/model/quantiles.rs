//! The distribution of a sample: its usual percentiles, and a curve to draw.

use serde::{Deserialize, Serialize};

/// Quantiles of a sample, in the sample's own unit. They are nearest ranks, so each was observed.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Quantiles {
    pub count: u64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
    /// Pairs of a fraction from 0 to 1 and the value that this fraction of the sample does not
    /// exceed.
    pub curve: Vec<(f64, f64)>,
}

impl Quantiles {
    /// Sorts the sample. An empty one gives zeros, and a count of zero.
    pub fn of(sample: &mut [f64]) -> Quantiles {
        if sample.is_empty() {
            return Quantiles::default();
        }
        sample.sort_by(f64::total_cmp);
        let at = |fraction: f64| {
            let rank = (fraction * sample.len() as f64).ceil() as usize;
            sample[rank.clamp(1, sample.len()) - 1]
        };
        let tenths = |value: f64| (value * 10_000.0).round() / 10_000.0;
        Quantiles {
            count: sample.len() as u64,
            mean: sample.iter().sum::<f64>() / sample.len() as f64,
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
            curve: fractions()
                .map(|fraction| (fraction, tenths(at(fraction))))
                .collect(),
        }
    }
}

/// Every fiftieth up to 0.9, then ever closer to 1, where latencies differ most.
fn fractions() -> impl Iterator<Item = f64> {
    let body = (0..=45).map(|n| f64::from(n) / 50.0);
    let tail = (1..=30).map(|n| 1.0 - 0.1 * 10_f64.powf(-f64::from(n) / 10.0));
    body.chain(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_of_the_sample() {
        let check = |mut sample: Vec<f64>, p50: f64, p99: f64, max: f64| {
            let quantiles = Quantiles::of(&mut sample);
            assert_eq!(
                (quantiles.p50, quantiles.p99, quantiles.max),
                (p50, p99, max)
            );
        };
        check(vec![], 0.0, 0.0, 0.0);
        check(vec![7.0], 7.0, 7.0, 7.0);
        check(vec![3.0, 1.0, 2.0], 2.0, 3.0, 3.0);
        check((1..=1_000).map(f64::from).collect(), 500.0, 990.0, 1_000.0);
    }

    #[test]
    fn the_curve_never_falls() {
        let mut sample: Vec<f64> = (0..5_000).map(|n| f64::from(n * 7_919 % 5_003)).collect();
        let curve = Quantiles::of(&mut sample).curve;
        assert!(
            curve
                .windows(2)
                .all(|pair| pair[0].1 <= pair[1].1 && pair[0].0 < pair[1].0)
        );
    }
}
