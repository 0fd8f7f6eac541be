//! The schedule: when each operation is due.

use std::time::Duration;

/// How the rate changes during a run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Shape {
    Constant,
    /// The rate times `times`, from `begin` on for `length`; the plain rate before and after.
    Burst {
        times: f64,
        begin: Duration,
        length: Duration,
    },
    /// From `first` times the rate to `last` times, growing evenly over `length`.
    Ramp {
        first: f64,
        last: f64,
        length: Duration,
    },
}

/// The times at which operations are due, evenly spaced at the rate of each moment, in operations
/// per second.
pub fn due_times(shape: Shape, rate: f64, duration: Duration) -> Vec<Duration> {
    let mut due = vec![];
    let mut at = 0.0;
    while at < duration.as_secs_f64() {
        due.push(Duration::from_secs_f64(at));
        at += 1.0 / (rate * shape.factor(at)).max(0.001);
    }
    due
}

impl Shape {
    fn factor(self, at: f64) -> f64 {
        match self {
            Shape::Constant => 1.0,
            Shape::Burst {
                times,
                begin,
                length,
            } => {
                let since = at - begin.as_secs_f64();
                if (0.0..length.as_secs_f64()).contains(&since) {
                    times
                } else {
                    1.0
                }
            }
            Shape::Ramp {
                first,
                last,
                length,
            } => first + (last - first) * (at / length.as_secs_f64()).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_shape_offers_what_it_says() {
        let check = |shape, expected: usize| {
            let found = due_times(shape, 50.0, 10 * SECOND).len();
            assert!(found.abs_diff(expected) <= 2, "{shape:?}: {found}");
        };
        let burst = Shape::Burst {
            times: 3.0,
            begin: 4 * SECOND,
            length: 2 * SECOND,
        };

        check(Shape::Constant, 500);
        check(burst, 500 + 2 * 100);
        let ramp = Shape::Ramp {
            first: 0.5,
            last: 1.5,
            length: 10 * SECOND,
        };
        check(ramp, 500);
        let early = due_times(ramp, 50.0, 10 * SECOND)
            .into_iter()
            .filter(|at| *at < 5 * SECOND);
        assert!((185..=190).contains(&early.count()), "three of eight");
    }

    #[test]
    fn due_times_ascend_and_stay_within_the_run() {
        let burst = Shape::Burst {
            times: 3.0,
            begin: SECOND,
            length: SECOND,
        };
        let due = due_times(burst, 80.0, 5 * SECOND);
        assert!(due.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(due.last().unwrap() < &(5 * SECOND));
    }
}
