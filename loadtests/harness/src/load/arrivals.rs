//! The arrivals: which operation is sent next, and when.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::steered::{Steered, SteeredRate};

/// One sequence of operations that all generator users share. Each user takes the next one, waits
/// until it is due and sends it, so the rate does not depend on how fast the shop answers.
#[derive(Debug)]
pub struct Arrivals {
    begin: Instant,
    due: Due,
    taken: AtomicUsize,
    closed: AtomicBool,
}

#[derive(Debug)]
enum Due {
    /// At these times after the beginning.
    At(Vec<Duration>),
    /// As soon as a user is free, until this time has passed.
    WhenFree(Duration),
    /// At a rate that changes while the load runs.
    Steered(Mutex<Steered>),
}

/// An operation to send.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub number: usize,
    /// When it is due, since the beginning of the load.
    pub due: Duration,
}

impl Arrivals {
    /// The open model. `begin` lies a little ahead, so that all users start in time.
    pub fn open(due: Vec<Duration>, begin: Instant) -> Arrivals {
        Arrivals::new(Due::At(due), begin)
    }

    /// The closed model.
    pub fn closed(duration: Duration, begin: Instant) -> Arrivals {
        Arrivals::new(Due::WhenFree(duration), begin)
    }

    /// The open model at the rate that `rate` holds, from now until its sender is dropped.
    pub fn steered(rate: watch::Receiver<SteeredRate>) -> Arrivals {
        let begin = Instant::now();
        Arrivals::new(Due::Steered(Mutex::new(Steered::new(rate, begin))), begin)
    }

    fn new(due: Due, begin: Instant) -> Arrivals {
        Arrivals {
            begin,
            due,
            taken: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Waits until the next operation is due. `None` when no operation is left.
    pub async fn next(&self) -> Option<Arrival> {
        tokio::time::sleep_until(self.begin).await;
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let (number, due) = match &self.due {
            Due::At(due) => {
                let number = self.take();
                (number, *due.get(number)?)
            }
            Due::WhenFree(duration) => {
                let now = self.begin.elapsed();
                if now > *duration {
                    return None;
                }
                (self.take(), now)
            }
            Due::Steered(steered) => {
                // One user waits for the time, and the others for the lock: a new rate holds for
                // all of them.
                let due = steered.lock().await.next().await?;
                (self.take(), due)
            }
        };
        tokio::time::sleep_until(self.begin + due).await;
        (!self.closed.load(Ordering::Relaxed)).then_some(Arrival { number, due })
    }

    /// The number of the next operation.
    fn take(&self) -> usize {
        self.taken.fetch_add(1, Ordering::Relaxed)
    }

    /// Ends the load: users who wait for an operation get none.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// The operations that users have taken so far.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// The time since the beginning of the load.
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn every_operation_is_taken_once_and_when_it_is_due_by_any_number_of_users() {
        let due: Vec<Duration> = (0..100).map(|n| n * 10 * MS).collect();
        let arrivals = Arc::new(Arrivals::open(due, Instant::now() + 50 * MS));
        let users = (0..7).map(|_| {
            let arrivals = Arc::clone(&arrivals);
            tokio::spawn(async move {
                let mut taken = vec![];
                while let Some(arrival) = arrivals.next().await {
                    assert_eq!(arrivals.elapsed(), arrival.due);
                    taken.push(arrival.number);
                }
                taken
            })
        });
        let mut all: Vec<usize> = vec![];
        for user in users.collect::<Vec<_>>() {
            all.extend(user.await.unwrap());
        }
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_operation_is_taken_at_once_and_keeps_its_due_time() {
        let arrivals = Arrivals::open(vec![Duration::ZERO, 10 * MS, 20 * MS], Instant::now());
        arrivals.next().await;
        tokio::time::advance(500 * MS).await;
        let late = arrivals.next().await.unwrap();
        assert_eq!(late.due, 10 * MS);
        assert!(arrivals.elapsed() >= 500 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_who_waits_when_the_load_is_closed_gets_nothing() {
        let arrivals = Arc::new(Arrivals::open(vec![1_000 * MS], Instant::now()));
        let waiting = tokio::spawn({
            let arrivals = Arc::clone(&arrivals);
            async move { arrivals.next().await.is_none() }
        });
        tokio::time::advance(100 * MS).await;
        arrivals.close();
        assert!(waiting.await.unwrap());
        assert!(arrivals.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_closed_model_ends_with_its_time() {
        let arrivals = Arrivals::closed(100 * MS, Instant::now());
        assert!(arrivals.next().await.is_some());
        tokio::time::advance(101 * MS).await;
        assert!(arrivals.next().await.is_none());
    }
}
