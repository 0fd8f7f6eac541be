//! Points in time, and the one place that reads a clock.

use std::ops::Add;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Milliseconds since the Unix epoch: the grain of every time SQS shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// How long ago `earlier` was; zero when it is still to come.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds since the epoch, as queue attributes show them.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(span.as_millis() as u64))
    }
}

/// The wall clock at the start, moved on by tokio's clock: a test that pauses tokio's
/// clock sees fourteen days pass in a millisecond.
#[derive(Debug)]
pub(crate) struct Clock {
    began: Instant,
    epoch: Duration,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        let epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Clock {
            began: Instant::now(),
            epoch,
        }
    }

    pub(crate) fn now(&self) -> Time {
        Time((self.epoch + self.began.elapsed()).as_millis() as u64)
    }

    /// The instant tokio should wake a task that has something to do at `time`. Rounded up,
    /// so that by then `now()` has truly reached it.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.began
            + (Duration::from_millis(time.0) + Duration::from_millis(1)).saturating_sub(self.epoch)
    }
}
