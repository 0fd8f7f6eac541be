//! The replicas of a service: load balancing, and ejection of those that fail.

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::{Authority, Scheme};
use tokio::time::Instant;
use tracing::{info, warn};

/// A replica that leaves this many requests in a row without an answer is ejected. One that accepts
/// no connection is ejected at once.
const MAX_FAILURES: u32 = 2;

/// How long a replica is ejected the first time. Each further failure doubles the time.
const EJECTION_TIME: Duration = Duration::from_secs(5);
const MAX_EJECTION_TIME: Duration = Duration::from_secs(60);

/// A service behind the gateway: `http://host:port`, or several, separated by commas. The next
/// request goes to the replica with the fewest open requests, and replicas with equally many take
/// turns; so one that hangs gets no more requests than the others have open. Behind a load balancer
/// or a DNS name with several addresses, one URL is enough.
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
    /// Ejections since the last answer.
    ejections: u32,
    ejected_until: Option<Instant>,
}

/// A request to a replica that has not ended. If it is dropped without a result, it was cancelled:
/// by the client, or by the request timeout.
pub(crate) struct Attempt<'a> {
    replica: &'a Replica,
    index: usize,
    started: Instant,
    answer_timeout: Duration,
    is_over: bool,
}

/// How a request failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// No connection was made, so nothing was sent.
    NotConnected,
    /// The request was sent, or may have been sent, but no answer came.
    NotAnswered,
}

impl Upstream {
    /// Selects the replica for the next attempt. `None` if all were tried. An ejected replica is
    /// selected only if there is no other. A request that is cancelled after `answer_timeout`
    /// counts as not answered; one that is cancelled sooner does not count.
    pub(crate) fn attempt(&self, tried: &[usize], answer_timeout: Duration) -> Option<Attempt<'_>> {
        let count = self.replicas.len();
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let (index, replica) = (0..count)
            .map(|n| first.wrapping_add(n) % count)
            .filter(|index| !tried.contains(index))
            .map(|index| (index, &self.replicas[index]))
            .min_by_key(|(_, replica)| {
                let open = replica.open.load(Ordering::Relaxed);
                (replica.is_ejected(now), open)
            })?;
        replica.open.fetch_add(1, Ordering::Relaxed);
        Some(Attempt {
            replica,
            index,
            started: now,
            answer_timeout,
            is_over: false,
        })
    }
}

impl Attempt<'_> {
    pub(crate) fn address(&self) -> &Authority {
        &self.replica.address
    }

    /// The replica's index, for `tried` in [`Upstream::attempt`].
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn answered(mut self) {
        self.is_over = true;
        self.replica.recover();
    }

    /// It ended because of the client, so it does not count.
    pub(crate) fn ended_by_client(mut self) {
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
        if !self.is_over && self.started.elapsed() >= self.answer_timeout {
            self.replica.fail(Failure::NotAnswered);
        }
    }
}

impl Replica {
    fn new(url: &str) -> Result<Replica, &'static str> {
        Ok(Replica {
            address: authority(url)?,
            open: AtomicUsize::new(0),
            health: Mutex::default(),
        })
    }

    fn is_ejected(&self, now: Instant) -> bool {
        self.health().ejected_until.is_some_and(|until| now < until)
    }

    fn recover(&self) {
        let mut health = self.health();
        if health.ejections > 0 {
            info!(replica = %self.address, "the replica answers again");
        }
        *health = Health::default();
    }

    fn fail(&self, failure: Failure) {
        let mut health = self.health();
        health.failures += 1;
        // Requests that were sent before the ejection do not prolong it.
        let now = Instant::now();
        let is_ejected = health.ejected_until.is_some_and(|until| now < until);
        let is_tolerated = failure == Failure::NotAnswered && health.failures < MAX_FAILURES;
        if is_ejected || is_tolerated {
            return;
        }
        let doubled = EJECTION_TIME.saturating_mul(1 << health.ejections.min(8));
        let pause = doubled.min(MAX_EJECTION_TIME);
        health.ejections += 1;
        health.ejected_until = Some(now + pause);
        let pause_s = pause.as_secs();
        warn!(replica = %self.address, ?failure, pause_s, "the replica is ejected");
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromStr for Upstream {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Upstream, &'static str> {
        let replicas = text.split(',').map(|one| Replica::new(one.trim()));
        Ok(Upstream {
            replicas: replicas.collect::<Result<_, _>>()?,
            turn: Arc::default(),
        })
    }
}

fn authority(text: &str) -> Result<Authority, &'static str> {
    let wrong = "expected http://host:port, and nothing after the port";
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

    const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

    fn two() -> Upstream {
        "http://a:1,http://b:1".parse().unwrap()
    }

    fn next(upstream: &Upstream) -> Attempt<'_> {
        upstream.attempt(&[], ANSWER_TIMEOUT).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_without_a_connection_is_ejected_and_comes_back() {
        let upstream = two();
        next(&upstream).failed(Failure::NotConnected);
        for _ in 0..4 {
            let attempt = next(&upstream);
            assert_eq!(attempt.address(), "b:1");
            attempt.answered();
        }
        tokio::time::advance(EJECTION_TIME).await;
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
    async fn a_client_that_leaves_early_does_not_count_against_a_replica() {
        let upstream = two();
        let is_ejected = || upstream.replicas[0].is_ejected(Instant::now());
        for _ in 0..8 {
            drop(next(&upstream));
        }
        assert!(!is_ejected());
        for _ in 0..MAX_FAILURES {
            let attempt = upstream.attempt(&[1], ANSWER_TIMEOUT).unwrap();
            tokio::time::advance(ANSWER_TIMEOUT).await;
            drop(attempt);
        }
        assert!(is_ejected());
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_are_ejected_each_is_tried_again() {
        let upstream = two();
        for tried in [vec![1], vec![0]] {
            let attempt = upstream.attempt(&tried, ANSWER_TIMEOUT).unwrap();
            attempt.failed(Failure::NotConnected);
        }
        assert!(upstream.attempt(&[], ANSWER_TIMEOUT).is_some());
        assert!(upstream.attempt(&[0, 1], ANSWER_TIMEOUT).is_none());
    }
}
