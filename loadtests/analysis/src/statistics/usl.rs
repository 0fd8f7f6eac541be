//! The universal scalability law of Gunther: throughput at load `n` is
//! `rate * n / (1 + contention * (n - 1) + coherence * n * (n - 1))`.

use serde::{Deserialize, Serialize};

/// The law with the parameters that fit the measurements best.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Knee {
    pub rate: f64,
    pub contention: f64,
    pub coherence: f64,
    /// The largest load measured. The law is not used beyond twice this.
    pub measured_to: f64,
}

impl Knee {
    /// Fits the law by least squares on `n / throughput`, which is linear in its parameters. The
    /// weight is the throughput squared, so that the error is one of throughput. Neither delay can
    /// be negative: one that comes out negative is set to zero and the rest is fitted again.
    /// `None` for fewer than three loads with a throughput.
    pub fn fit(points: &[(f64, f64)]) -> Option<Knee> {
        let usable = |(load, throughput): &&(f64, f64)| *load > 0.0 && *throughput > 0.0;
        let points: Vec<(f64, f64)> = points.iter().filter(usable).copied().collect();
        if points.len() < 3 {
            return None;
        }
        let measured_to = points.iter().map(|point| point.0).fold(0.0, f64::max);
        let kinds = [[true, true], [true, false], [false, true], [false, false]];
        let fits = kinds.into_iter().filter_map(|[contention, coherence]| {
            let [inverse, slope, curve] = solve(sums(&points, contention, coherence))?;
            let knee = Knee {
                rate: 1.0 / inverse,
                contention: slope / inverse,
                coherence: curve / inverse,
                measured_to,
            };
            let possible = inverse > 0.0 && knee.contention >= 0.0 && knee.coherence >= 0.0;
            possible.then_some(knee)
        });
        fits.min_by(|one, other| one.error(&points).total_cmp(&other.error(&points)))
    }

    /// The sum of squared differences of throughput.
    fn error(&self, points: &[(f64, f64)]) -> f64 {
        let fitted = |load: f64| self.throughput(load).unwrap_or(f64::INFINITY);
        let differences = points.iter().map(|(load, found)| fitted(*load) - found);
        differences.map(|difference| difference.powi(2)).sum()
    }

    /// `None` beyond twice the largest load measured, where the fit says nothing.
    pub fn throughput(&self, load: f64) -> Option<f64> {
        let slowdown = 1.0 + self.contention * (load - 1.0) + self.coherence * load * (load - 1.0);
        (load <= 2.0 * self.measured_to).then(|| self.rate * load / slowdown)
    }
}

/// The normal equations. A parameter that is fixed at zero has an equation that says so.
fn sums(points: &[(f64, f64)], contention: bool, coherence: bool) -> [[f64; 4]; 3] {
    let mut sums = [[0.0; 4]; 3];
    for &(load, throughput) in points {
        let basis = [
            1.0,
            if contention { load - 1.0 } else { 0.0 },
            if coherence { load * (load - 1.0) } else { 0.0 },
        ];
        let weight = (throughput * throughput / load).powi(2);
        for row in 0..3 {
            for column in 0..3 {
                sums[row][column] += weight * basis[row] * basis[column];
            }
            sums[row][3] += weight * basis[row] * load / throughput;
        }
    }
    for (row, free) in [(1, contention), (2, coherence)] {
        if !free {
            sums[row][row] = 1.0;
        }
    }
    sums
}

/// Gaussian elimination with pivoting. `None` when the equations have no single solution.
fn solve(mut m: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let pivot =
            (column..3).max_by(|&a, &b| m[a][column].abs().total_cmp(&m[b][column].abs()))?;
        m.swap(column, pivot);
        if m[column][column].abs() < 1e-12 {
            return None;
        }
        let pivot_row = m[column];
        for (row, values) in m.iter_mut().enumerate() {
            if row != column {
                let factor = values[column] / pivot_row[column];
                for (value, above) in values.iter_mut().zip(pivot_row) {
                    *value -= factor * above;
                }
            }
        }
    }
    Some([m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_finds_the_law_that_made_the_points() {
        let truth = Knee {
            rate: 100.0,
            contention: 0.05,
            coherence: 0.002,
            measured_to: 32.0,
        };
        let points: Vec<(f64, f64)> = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
            .map(|load| (load, truth.throughput(load).unwrap()))
            .into();
        let found = Knee::fit(&points).unwrap();
        assert!((found.rate - truth.rate).abs() < 1e-6, "{found:?}");
        assert!(
            (found.contention - truth.contention).abs() < 1e-6,
            "{found:?}"
        );
        assert!(
            (found.coherence - truth.coherence).abs() < 1e-6,
            "{found:?}"
        );
    }

    #[test]
    fn the_law_gives_no_value_past_twice_what_was_measured() {
        let knee = Knee {
            rate: 1.0,
            contention: 0.0,
            coherence: 0.0,
            measured_to: 4.0,
        };
        assert_eq!(knee.throughput(8.0), Some(8.0));
        assert_eq!(knee.throughput(8.1), None);
    }

    #[test]
    fn linear_scaling_has_no_delays_and_a_collapsed_run_is_no_point() {
        let straight = [(25.0, 25.1), (50.0, 49.8), (100.0, 100.2), (200.0, 0.0)];
        let found = Knee::fit(&straight).unwrap();
        assert!(found.contention >= 0.0 && found.coherence >= 0.0);
        assert!(
            (found.throughput(80.0).unwrap() - 80.0).abs() < 1.0,
            "{found:?}"
        );
        assert!((found.measured_to - 100.0).abs() < 1e-9);
    }

    #[test]
    fn two_points_are_no_law() {
        assert_eq!(Knee::fit(&[(1.0, 1.0), (2.0, 2.0)]), None);
    }
}
