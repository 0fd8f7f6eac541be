//! Waiting for a condition with a deadline: a test that sleeps instead is slow or unreliable.

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// How long a test waits. It is less than the minute after which Postgres ends an idle transaction
/// by itself, and so mends what a test may be looking for.
const DEADLINE: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until `condition` holds.
///
/// # Panics
/// After half a minute; the message names `what` the test waited for.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    until_some(what, async || condition().await.then_some(())).await;
}

/// Waits until `condition` returns a value, and returns it.
///
/// # Panics
/// As [`until`] does.
pub async fn until_some<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            match condition().await {
                Some(found) => return found,
                None => sleep(POLL_INTERVAL).await,
            }
        }
    };
    let waited = timeout(DEADLINE, waiting).await;
    waited.unwrap_or_else(|_| panic!("waited {DEADLINE:?} in vain until {what}"))
}

/// Waits until `value` returns what is expected.
///
/// # Panics
/// As [`until`] does, with the last value.
pub async fn until_eq<T: PartialEq + Debug>(
    what: &str,
    mut value: impl AsyncFnMut() -> T,
    expected: T,
) {
    let mut last = None;
    let waiting = async {
        loop {
            let now = value().await;
            if now == expected {
                return;
            }
            last = Some(now);
            sleep(POLL_INTERVAL).await;
        }
    };
    let waited = timeout(DEADLINE, waiting).await;
    if waited.is_err() {
        panic!("waited {DEADLINE:?} in vain: {what} is {last:?}, expected {expected:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_condition_that_comes_to_hold_is_seen() {
        let mut looks = 0;
        let third = async || {
            looks += 1;
            (looks == 3).then_some("third")
        };
        assert_eq!(until_some("the third look", third).await, "third");
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "waited 30s in vain until pigs fly")]
    async fn a_deadline_names_what_the_test_waited_for() {
        until("pigs fly", async || false).await;
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "the depth is Some(2), expected 3")]
    async fn a_deadline_shows_the_last_value() {
        until_eq("the depth", async || 2, 3).await;
    }
}
