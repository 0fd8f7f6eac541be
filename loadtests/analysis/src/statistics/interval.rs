//! A mean with the interval that holds the truth at a chosen level.

use super::student;

/// The chance of claiming a difference where there is none, over all headline measures together.
pub const LEVEL: f64 = 0.05;

/// A mean and its interval, at 95% unless the text says otherwise.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// By Student's t, at 95% for `together` intervals of the same kind at once.
    pub fn around(mean: f64, error: f64, freedom: f64, together: usize) -> Interval {
        let chance = 1.0 - LEVEL / (2.0 * together as f64);
        let reach = student::quantile(chance, freedom) * error;
        Interval {
            mean,
            low: mean - reach,
            high: mean + reach,
        }
    }

    /// Whether an interval of logarithms leaves out a ratio of one.
    pub fn excludes_one(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }

    pub fn is_within(self, reach: f64) -> bool {
        -reach <= self.low && self.high <= reach
    }

    /// From logarithms back to ratios.
    pub fn exp(self) -> Interval {
        Interval {
            mean: self.mean.exp(),
            low: self.low.exp(),
            high: self.high.exp(),
        }
    }
}
