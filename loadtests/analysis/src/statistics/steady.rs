//! When a load became steady. The report warns of it and nothing is cut off: a rule that looks at
//! the outcome must not choose which part of the outcome counts.

use std::time::Duration;

/// Latencies are grouped by stretches of this length.
const STRETCH: Duration = Duration::from_millis(500);

/// With fewer stretches the rule finds only chance.
const MIN_STRETCHES: usize = 12;

/// The point within the first half after which the rest has the smallest standard error: the rule
/// MSER (White, "An Effective Truncation Heuristic for Bias Reduction in Simulation Output", 1997).
/// It looks at the median of each stretch, so that one slow answer decides nothing. `answers` are
/// times since the beginning with their latencies.
pub fn steady_after(answers: &[(Duration, f64)], length: Duration) -> Duration {
    let stretches = medians(answers, length);
    if stretches.len() < MIN_STRETCHES {
        return Duration::ZERO;
    }
    let error = |cut: &usize| {
        let kept: Vec<f64> = stretches[*cut..].iter().flatten().copied().collect();
        let count = kept.len().max(1) as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let squares: f64 = kept.iter().map(|value| (value - mean).powi(2)).sum();
        squares / count.powi(2)
    };
    let cuts = 0..=stretches.len() / 2;
    let best = cuts.min_by(|one, other| error(one).total_cmp(&error(other)));
    STRETCH * best.unwrap_or(0) as u32
}

/// The logarithm of each stretch's median: a latency that doubles counts the same at any level.
fn medians(answers: &[(Duration, f64)], length: Duration) -> Vec<Option<f64>> {
    let mut stretches = vec![vec![]; stretch_of(length)];
    for (at, latency) in answers {
        if let Some(stretch) = stretches.get_mut(stretch_of(*at)) {
            stretch.push(latency.max(0.001).ln());
        }
    }
    let median = |mut stretch: Vec<f64>| {
        stretch.sort_by(f64::total_cmp);
        stretch.get(stretch.len() / 2).copied()
    };
    stretches.into_iter().map(median).collect()
}

fn stretch_of(at: Duration) -> usize {
    (at.as_secs_f64() / STRETCH.as_secs_f64()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::normal::Normal;

    /// Answers over ten seconds, 40 per second, each about `latency(second)` long.
    fn cut(latency: impl Fn(f64) -> f64) -> f64 {
        let mut normal = Normal::seeded(3);
        let answers: Vec<(Duration, f64)> = (0..400)
            .map(|n| f64::from(n) / 40.0)
            .map(|at| {
                (
                    Duration::from_secs_f64(at),
                    latency(at) * (0.1 * normal.draw()).exp(),
                )
            })
            .collect();
        steady_after(&answers, Duration::from_secs(10)).as_secs_f64()
    }

    #[test]
    fn a_load_that_is_steady_from_the_beginning_is_found_steady() {
        assert!(cut(|_| 5.0) <= 2.0, "{}", cut(|_| 5.0));
    }

    #[test]
    fn a_slow_beginning_is_seen_whole_and_not_much_more() {
        let found = cut(|at| if at < 4.0 { 40.0 - 8.0 * at } else { 5.0 });
        assert!((4.0..=5.5).contains(&found), "{found}");
    }

    #[test]
    fn no_more_than_half_is_looked_at() {
        assert!(cut(|at| 1.0 + at * at) <= 5.0);
        let none: [(Duration, f64); 0] = [];
        assert_eq!(steady_after(&none, Duration::from_secs(1)), Duration::ZERO);
    }
}
