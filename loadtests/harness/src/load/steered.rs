//! The schedule of an open load whose rate changes while it runs.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The rate of a load from some moment on.
#[derive(Clone, Copy, Debug)]
pub struct SteeredRate {
    per_s: f64,
    /// Nothing was due before it.
    from: Instant,
}

impl SteeredRate {
    /// Operations per second from now on. 0 sends none.
    pub fn per_s(per_s: f64) -> SteeredRate {
        let from = Instant::now();
        SteeredRate { per_s, from }
    }

    /// Another rate. Operations that were due before it and not sent stay due, but a pause is no
    /// backlog.
    #[must_use]
    pub fn changed_to(self, per_s: f64) -> SteeredRate {
        match self.per_s > 0.0 {
            true => SteeredRate { per_s, ..self },
            false => SteeredRate::per_s(per_s),
        }
    }

    pub fn get(self) -> f64 {
        self.per_s
    }
}

/// When the next operation is due, at a rate that changes.
#[derive(Debug)]
pub(super) struct Steered {
    rate: watch::Receiver<SteeredRate>,
    begin: Instant,
    /// When the last operation was due.
    last: Instant,
}

impl Steered {
    pub(super) fn new(rate: watch::Receiver<SteeredRate>, begin: Instant) -> Steered {
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
            let last = self.last.max(rate.from);
            let due = (rate.per_s > 0.0).then(|| last + Duration::from_secs_f64(1.0 / rate.per_s));
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
                changed = self.rate.changed() => changed.ok()?,
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
        let (rate, receiver) = watch::channel(SteeredRate::per_s(0.001));
        let arrivals = Arc::new(Arrivals::steered(receiver));
        let second = Duration::from_secs(1);
        let change = |per_s| rate.send_modify(|rate| *rate = rate.changed_to(per_s));
        let next = |arrivals: &Arc<Arrivals>| {
            let arrivals = Arc::clone(arrivals);
            tokio::spawn(async move { arrivals.next().await.map(|one| one.due) })
        };
        let waiting = next(&arrivals);
        tokio::time::sleep(2 * second).await;
        change(1.0);
        // It was due a second after the beginning at this rate, and is late.
        assert_eq!(waiting.await.unwrap(), Some(second));
        assert_eq!(next(&arrivals).await.unwrap(), Some(2 * second));

        // No user waits while the load pauses.
        change(0.0);
        tokio::time::sleep(10 * second).await;
        change(2.0);
        assert_eq!(
            next(&arrivals).await.unwrap(),
            Some(12 * second + second / 2)
        );
        let waiting = next(&arrivals);
        drop(rate);
        assert_eq!(waiting.await.unwrap(), None);
    }
}
