//! The one place that reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqs_queue::Time;
use tokio::time::Instant;

/// The wall clock at the start, advanced by tokio's clock. A test that pauses tokio's clock sees
/// fourteen days pass in a millisecond.
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

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> Time {
        Time((self.epoch + self.began.elapsed()).as_millis() as u64)
    }

    /// The instant at which tokio should wake a task that is due at `time`. Rounded up, so that
    /// `now()` has reached `time` by then.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.began
            + (Duration::from_millis(time.0) + Duration::from_millis(1)).saturating_sub(self.epoch)
    }
}
