//! The replicas of a service: whose turn it is, and who is left out for a while.

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::{Authority, Scheme};
use tokio::time::Instant;
use tracing::{info, warn};

/// A replica that let this many requests in a row go without an answer is left out. One that
/// cannot be connected to is left out at once.
const TOLERATED: u32 = 2;

/// How long a replica is left out at first. Each time that it fails again doubles it.
const LEFT_OUT: Duration = Duration::from_secs(5);
const LEFT_OUT_AT_MOST: Duration = Duration::from_secs(60);

/// A service behind the gateway: `http://host:port`, or several with commas between them. The
/// replica with the fewest open requests is next, and those with equally many take turns, so that
/// one that hangs is not sent more than the others can bear. A name that a load balancer or DNS
/// spreads needs no list.
#[derive(Clone, Debug)]
pub struct Upstream {
    replicas: Arc<[Replica]>,
    turn: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Replica {
    address: Authority,
    open: AtomicUsize,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    /// Requests without an answer since the last answer.
    failures: u32,
    /// How often it was left out since the last answer.
    ejections: u32,
    left_out_until: Option<Instant>,
}

/// A request that is under way to a replica. Dropped without a word of how it ended, it was given
/// up: by a client that left, or by the time limit.
pub(crate) struct Attempt<'a> {
    replica: &'a Replica,
    index: usize,
    started: Instant,
    patience: Duration,
    is_over: bool,
}

/// How a request failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// No connection was made, so nothing was sent.
    NotConnected,
    /// It was sent, or may have been, and no answer came.
    NotAnswered,
}

impl Upstream {
    /// The replica for the next attempt, and none when all were tried. A replica that is left out
    /// is taken only when there is no other. A request that is given up after `patience` counts as
    /// not answered; before that it says nothing of the replica.
    pub(crate) fn attempt(&self, tried: &[usize], patience: Duration) -> Option<Attempt<'_>> {
        let count = self.replicas.len();
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let (index, replica) = (0..count)
            .map(|n| first.wrapping_add(n) % count)
            .filter(|index| !tried.contains(index))
            .map(|index| (index, &self.replicas[index]))
            .min_by_key(|(_, replica)| {
                let open = replica.open.load(Ordering::Relaxed);
                (replica.is_left_out(now), open)
            })?;
        replica.open.fetch_add(1, Ordering::Relaxed);
        Some(Attempt {
            replica,
            index,
            started: now,
            patience,
            is_over: false,
        })
    }
}

impl Attempt<'_> {
    pub(crate) fn address(&self) -> &Authority {
        &self.replica.address
    }

    /// What [`Upstream::attempt`] knows the replica by.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn answered(mut self) {
        self.is_over = true;
        self.replica.recover();
    }

    /// It ended for reasons of the client's.
    pub(crate) fn blameless(mut self) {
        self.is_over = true;
    }

    pub(crate) fn failed(mut self, failure: Failure) {
        self.is_over = true;
        self.replica.fail(failure);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.replica.open.fetch_sub(1, Ordering::Relaxed);
        if !self.is_over && self.started.elapsed() >= self.patience {
            self.replica.fail(Failure::NotAnswered);
        }
    }
}

impl Replica {
    fn at(url: &str) -> Result<Replica, &'static str> {
        Ok(Replica {
            address: authority(url)?,
            open: AtomicUsize::new(0),
            health: Mutex::default(),
        })
    }

    fn is_left_out(&self, now: Instant) -> bool {
        self.health()
            .left_out_until
            .is_some_and(|until| now < until)
    }

    fn recover(&self) {
        let mut health = self.health();
        if health.ejections > 0 {
            info!(replica = %self.address, "answers again");
        }
        *health = Health::default();
    }

    fn fail(&self, failure: Failure) {
        let mut health = self.health();
        health.failures += 1;
        // Those that were under way when it was left out say nothing new.
        let now = Instant::now();
        let is_left_out = health.left_out_until.is_some_and(|until| now < until);
        let is_tolerated = failure == Failure::NotAnswered && health.failures < TOLERATED;
        if is_left_out || is_tolerated {
            return;
        }
        let doubled = LEFT_OUT.saturating_mul(1 << health.ejections.min(8));
        let pause = doubled.min(LEFT_OUT_AT_MOST);
        health.ejections += 1;
        health.left_out_until = Some(now + pause);
        let pause_s = pause.as_secs();
        warn!(replica = %self.address, ?failure, pause_s, "left out for a while");
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromStr for Upstream {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Upstream, &'static str> {
        let replicas = text.split(',').map(|one| Replica::at(one.trim()));
        Ok(Upstream {
            replicas: replicas.collect::<Result<_, _>>()?,
            turn: Arc::default(),
        })
    }
}

fn authority(text: &str) -> Result<Authority, &'static str> {
    let wrong = "expected http://host:port, with nothing behind the port";
    let uri: Uri = text.parse().map_err(|_| wrong)?;
    let plain = uri.scheme() == Some(&Scheme::HTTP) && uri.path() == "/";
    match uri.into_parts().authority {
        Some(authority) if plain => Ok(authority),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn two() -> Upstream {
        "http://a:1,http://b:1".parse().unwrap()
    }

    fn next(upstream: &Upstream) -> Attempt<'_> {
        upstream.attempt(&[], PATIENCE).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_without_a_connection_is_left_out_and_comes_back() {
        let upstream = two();
        next(&upstream).failed(Failure::NotConnected);
        for _ in 0..4 {
            let attempt = next(&upstream);
            assert_eq!(attempt.address(), "b:1");
            attempt.answered();
        }
        tokio::time::advance(LEFT_OUT).await;
        let again: Vec<_> = (0..2).map(|_| next(&upstream)).collect();
        assert!(again.iter().any(|attempt| attempt.address() == "a:1"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_hangs_gets_no_more_than_the_others_have_open() {
        let upstream = two();
        let hanging = next(&upstream);
        assert_eq!(hanging.address(), "a:1");
        for _ in 0..4 {
            let attempt = next(&upstream);
            assert_eq!(attempt.address(), "b:1");
            attempt.answered();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_early_says_nothing_of_a_replica() {
        let upstream = two();
        let left_out = || upstream.replicas[0].is_left_out(Instant::now());
        for _ in 0..8 {
            drop(next(&upstream));
        }
        assert!(!left_out());
        for _ in 0..TOLERATED {
            let attempt = upstream.attempt(&[1], PATIENCE).unwrap();
            tokio::time::advance(PATIENCE).await;
            drop(attempt);
        }
        assert!(left_out());
    }

    #[tokio::test(start_paused = true)]
    async fn with_all_left_out_each_is_tried_again() {
        let upstream = two();
        for tried in [vec![1], vec![0]] {
            let attempt = upstream.attempt(&tried, PATIENCE).unwrap();
            attempt.failed(Failure::NotConnected);
        }
        assert!(upstream.attempt(&[], PATIENCE).is_some());
        assert!(upstream.attempt(&[0, 1], PATIENCE).is_none());
    }
}
