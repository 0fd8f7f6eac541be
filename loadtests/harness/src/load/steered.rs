//! The schedule of an open load whose rate changes while it runs.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// When the next operation is due, at a rate that changes.
#[derive(Debug)]
pub(super) struct Steered {
    /// Operations per second. 0 stops them.
    rate: watch::Receiver<f64>,
    begin: Instant,
    /// When the last operation was due.
    last: Instant,
}

impl Steered {
    pub(super) fn new(rate: watch::Receiver<f64>, begin: Instant) -> Steered {
        Steered {
            rate,
            begin,
            last: begin,
        }
    }

    /// Waits until the next operation is due. Returns when that was, since the beginning; `None`
    /// when the load has ended.
    pub(super) async fn next(&mut self) -> Option<Duration> {
        loop {
            let rate = *self.rate.borrow_and_update();
            let due = (rate > 0.0).then(|| self.last + Duration::from_secs_f64(1.0 / rate));
            let arrives = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = arrives => {
                    self.last = due?;
                    return Some(self.last - self.begin);
                }
                changed = self.rate.changed() => {
                    changed.ok()?;
                    // A pause is no backlog.
                    if rate == 0.0 {
                        self.last = Instant::now();
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::load::Arrivals;

    #[tokio::test(start_paused = true)]
    async fn a_new_rate_holds_at_once_and_a_pause_is_no_backlog() {
        let (rate, receiver) = watch::channel(0.001);
        let arrivals = Arc::new(Arrivals::steered(receiver));
        let second = Duration::from_secs(1);
        let next = |arrivals: &Arc<Arrivals>| {
            let arrivals = Arc::clone(arrivals);
            tokio::spawn(async move { arrivals.next().await.map(|one| one.due) })
        };
        let waiting = next(&arrivals);
        tokio::time::sleep(2 * second).await;
        rate.send_replace(1.0);
        // It was due a second after the beginning at this rate, and is late.
        assert_eq!(waiting.await.unwrap(), Some(second));
        assert_eq!(next(&arrivals).await.unwrap(), Some(2 * second));

        rate.send_replace(0.0);
        let waiting = next(&arrivals);
        tokio::time::sleep(10 * second).await;
        rate.send_replace(2.0);
        assert_eq!(waiting.await.unwrap(), Some(12 * second + second / 2));
        let waiting = next(&arrivals);
        drop(rate);
        assert_eq!(waiting.await.unwrap(), None);
    }
}
