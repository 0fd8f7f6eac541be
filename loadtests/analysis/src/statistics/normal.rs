//! Random numbers for tests, of which the true mean and spread are known.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

pub(crate) struct Normal(SmallRng);

impl Normal {
    pub(crate) fn seeded(seed: u64) -> Normal {
        Normal(SmallRng::seed_from_u64(seed))
    }

    /// The sum of twelve uniform numbers is as normal as these tests need.
    pub(crate) fn draw(&mut self) -> f64 {
        (0..12).map(|_| self.0.random::<f64>()).sum::<f64>() - 6.0
    }
}
