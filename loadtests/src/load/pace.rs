//! Who sends the next operation, and when.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// One shared order of operations. Every user takes the next one, waits until it is due and sends
/// it, so the rate does not depend on how fast the shop answers.
#[derive(Debug)]
pub struct Pace {
    begin: Instant,
    model: Model,
    next: AtomicUsize,
    closed: AtomicBool,
}

#[derive(Debug)]
enum Model {
    /// Operations are due at these times.
    Open(Vec<Duration>),
    /// An operation is due whenever a user is free, until the time is up.
    Closed(Duration),
}

/// An operation to send, and when it is due.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    pub number: usize,
    /// Since the beginning of the run.
    pub due: Duration,
}

impl Pace {
    /// `begin` lies a little ahead, so that every user is there in time.
    pub fn open(slots: Vec<Duration>, begin: Instant) -> Pace {
        Pace {
            begin,
            model: Model::Open(slots),
            next: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    pub fn closed(duration: Duration, begin: Instant) -> Pace {
        Pace {
            begin,
            model: Model::Closed(duration),
            next: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Waits for the next operation to be due. None when there is no more.
    pub async fn turn(&self) -> Option<Turn> {
        tokio::time::sleep_until(self.begin).await;
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due = match &self.model {
            Model::Open(slots) => *slots.get(number)?,
            Model::Closed(duration) => {
                let now = self.begin.elapsed();
                if now > *duration {
                    return None;
                }
                now
            }
        };
        tokio::time::sleep_until(self.begin + due).await;
        (!self.closed.load(Ordering::Relaxed)).then_some(Turn { number, due })
    }

    /// From now on there are no more turns; those who wait for theirs send nothing.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Since the beginning of the run.
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
    async fn every_slot_is_taken_once_and_at_its_time_however_many_wait() {
        let slots: Vec<Duration> = (0..100).map(|n| n * 10 * MS).collect();
        let pace = Arc::new(Pace::open(slots, Instant::now() + 50 * MS));
        let users = (0..7).map(|_| {
            let pace = Arc::clone(&pace);
            tokio::spawn(async move {
                let mut taken = vec![];
                while let Some(turn) = pace.turn().await {
                    assert_eq!(pace.elapsed(), turn.due);
                    taken.push(turn.number);
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
    async fn a_slot_that_was_missed_is_due_at_once_and_keeps_its_time() {
        let pace = Pace::open(vec![Duration::ZERO, 10 * MS, 20 * MS], Instant::now());
        pace.turn().await;
        tokio::time::advance(500 * MS).await;
        let late = pace.turn().await.unwrap();
        assert_eq!(late.due, 10 * MS);
        assert!(pace.elapsed() >= 500 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_turn_when_the_pace_is_closed_gets_none() {
        let pace = Arc::new(Pace::open(vec![1_000 * MS], Instant::now()));
        let waiting = tokio::spawn({
            let pace = Arc::clone(&pace);
            async move { pace.turn().await.is_none() }
        });
        tokio::time::advance(100 * MS).await;
        pace.close();
        assert!(waiting.await.unwrap());
        assert!(pace.turn().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_closed_model_ends_with_its_time() {
        let pace = Pace::closed(100 * MS, Instant::now());
        assert!(pace.turn().await.is_some());
        tokio::time::advance(101 * MS).await;
        assert!(pace.turn().await.is_none());
    }
}
