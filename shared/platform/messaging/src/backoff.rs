//! Pauses between attempts.

use std::time::Duration;

/// Exponential backoff with full jitter: a random fraction of a time that doubles up to a limit. So
/// attempts that failed together are not repeated together.
/// Source: "Exponential backoff and jitter", AWS architecture blog, 2015.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// Maximum pause after the first failure.
    pub first: Duration,
    /// Maximum pause after any failure.
    pub limit: Duration,
}

impl Backoff {
    /// Between attempts at a message: 1 s, doubled up to 15 min.
    pub const MESSAGE: Backoff = Backoff {
        first: Duration::from_secs(1),
        limit: Duration::from_secs(15 * 60),
    };

    /// Between calls to a server that fails: 0.5 s, doubled up to 30 s.
    pub const SERVER: Backoff = Backoff {
        first: Duration::from_millis(500),
        limit: Duration::from_secs(30),
    };

    /// Maximum pause after this number of failures. 0 counts as 1.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.first.saturating_mul(1 << doublings).min(self.limit)
    }

    /// A random pause after this number of failures.
    pub fn delay(&self, failures: u32) -> Duration {
        self.ceiling(failures).mul_f64(rand::random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_limit() {
        let check = |failures, seconds| {
            assert_eq!(
                Backoff::MESSAGE.ceiling(failures),
                Duration::from_secs(seconds)
            );
        };
        check(0, 1);
        check(1, 1);
        check(2, 2);
        check(10, 512);
        check(11, 900);
        check(u32::MAX, 900);
    }

    #[test]
    fn it_is_never_over_the_ceiling() {
        for failures in 0..100 {
            let delay = Backoff::SERVER.delay(failures);
            assert!(delay <= Backoff::SERVER.ceiling(failures));
        }
    }
}
