//! A background task that repeats its work.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::Error;

/// Starts the next round of a task at once. Clones wake the same task.
#[derive(Clone, Default, Debug)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Starts the next round at once, or after the current one.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// A round on a database that does not answer is given up and its connection closed. A network that
/// swallows everything would hold it until TCP gives up, after a quarter of an hour. The longest
/// healthy batch calls the provider for a hundred payments, eight at once, up to 7 s each.
const LONGEST_ROUND: Duration = Duration::from_secs(120);

/// Does `work` at once, then after each `interval` and each wake-up, until `shutdown`.
///
/// `work` returns how much it has done. A failed round is logged, and the next one tries again.
/// Shutdown may interrupt a round: everything that is due is in the database, so nothing is lost.
pub(crate) async fn every<F, Fut>(
    interval: Duration,
    wake: &Wake,
    task: &'static str,
    shutdown: CancellationToken,
    work: F,
) where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<usize, Error>>,
{
    let rounds = async {
        loop {
            let late = |_| Err(Error::Database(sqlx::Error::PoolTimedOut));
            match timeout(LONGEST_ROUND, work()).await.unwrap_or_else(late) {
                Ok(done) => debug!(task, done, "the round has ended"),
                Err(error) => warn!(task, %error, "the round failed: the next one tries again"),
            }
            // An error means that the interval has ended.
            let _ = timeout(interval, wake.0.notified()).await;
        }
    };
    let ended: Option<()> = shutdown.run_until_cancelled(rounds).await;
    debug_assert!(ended.is_none(), "the rounds never end by themselves");
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    /// Runs this many rounds, each of which fails.
    async fn rounds(interval: Duration, wake: &Wake, enough: usize) {
        let (stop, count) = (CancellationToken::new(), AtomicUsize::new(0));
        let work = || async {
            wake.wake();
            if count.fetch_add(1, Ordering::Relaxed) + 1 == enough {
                stop.cancel();
            }
            tokio::task::yield_now().await;
            Err(Error::Voided)
        };
        every(interval, wake, "test", stop.clone(), work).await;
        assert_eq!(count.into_inner(), enough);
    }

    #[tokio::test(start_paused = true)]
    async fn a_woken_task_does_not_wait_for_its_interval() {
        let started = tokio::time::Instant::now();
        rounds(LONG, &Wake::default(), 3).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
    }
}
