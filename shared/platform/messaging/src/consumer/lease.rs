//! Leases: a received message belongs to this consumer until its visibility timeout ends. The
//! heartbeat extends it while a handler works on the message.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::envelope::Delivery;
use crate::quota::LONGEST_VISIBILITY;
use crate::{ConsumerOptions, QueueSpec};

/// The leases of one consumer.
pub(super) struct Leases {
    visibility: Duration,
    longest: Duration,
    held: Mutex<HashMap<u64, Arc<Lease>>>,
    /// The number of leases so far, for their ids.
    count: AtomicU64,
    /// Notified when any lease is lost.
    any_lost: Notify,
}

/// The lease of one message.
pub(super) struct Lease {
    number: u64,
    pub(super) delivery: Arc<Delivery>,
    since: Instant,
    expires: Mutex<Instant>,
    /// Locked while the heartbeat extends it, so that an acknowledgement can wait for that.
    pub(super) extending: tokio::sync::Mutex<()>,
    lost: AtomicBool,
}

impl Leases {
    pub(super) fn new(spec: &QueueSpec, options: &ConsumerOptions) -> Leases {
        Leases {
            visibility: spec.whole_visibility_timeout(),
            longest: options.max_visibility_extension.min(LONGEST_VISIBILITY),
            held: Mutex::default(),
            count: AtomicU64::new(0),
            any_lost: Notify::new(),
        }
    }

    /// How long a message is invisible after its receive or an extension.
    pub(super) fn visibility(&self) -> Duration {
        self.visibility
    }

    /// Begins a lease for each message of a poll.
    pub(super) fn begin(&self, batch: &[Arc<Delivery>]) -> Vec<Arc<Lease>> {
        let now = Instant::now();
        let mut held = self.held();
        let leases = batch.iter().map(|delivery| {
            let lease = Arc::new(Lease {
                number: self.count.fetch_add(1, Ordering::Relaxed),
                delivery: delivery.clone(),
                since: now,
                expires: Mutex::new(now + self.visibility),
                extending: tokio::sync::Mutex::default(),
                lost: AtomicBool::new(false),
            });
            held.insert(lease.number, lease.clone());
            lease
        });
        leases.collect()
    }

    /// Ends the heartbeats of messages, and waits for extensions that are in progress.
    pub(super) async fn end<'a>(&self, leases: impl Iterator<Item = &'a Lease> + Clone) {
        {
            let mut held = self.held();
            for lease in leases.clone() {
                held.remove(&lease.number);
            }
        }
        for lease in leases {
            drop(lease.extending.lock().await);
        }
    }

    /// Waits until one of `leases` is lost.
    pub(super) async fn lost<'a>(&self, leases: impl Iterator<Item = &'a Lease> + Clone) {
        loop {
            let lost = self.any_lost.notified();
            if leases.clone().any(Lease::is_lost) {
                return;
            }
            lost.await;
        }
    }

    /// Marks a lease as lost, which cancels its handler.
    pub(super) fn lose(&self, lease: &Lease) {
        self.held().remove(&lease.number);
        lease.lost.store(true, Ordering::Release);
        self.any_lost.notify_waiters();
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, Arc<Lease>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_held(&self, lease: &Lease) -> bool {
        self.held().contains_key(&lease.number)
    }

    /// The leases to extend now: those in the second half of their time. Expired ones become lost.
    pub(super) fn due(&self) -> Vec<Arc<Lease>> {
        let now = Instant::now();
        let half = self.visibility / 2;
        let ending: Vec<_> = {
            let held = self.held();
            held.values()
                .filter(|lease| lease.expires() <= now + half)
                .cloned()
                .collect()
        };
        let (over, due): (Vec<_>, Vec<_>) =
            ending.into_iter().partition(|lease| lease.expires() <= now);
        over.iter().for_each(|lease| self.lose(lease));
        due.into_iter()
            .filter(|lease| now + half < lease.since + self.longest)
            .collect()
    }
}

impl Lease {
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Whether another process may have the message.
    pub(super) fn is_over(&self) -> bool {
        self.is_lost() || self.expires() <= Instant::now()
    }

    pub(super) fn expires(&self) -> Instant {
        *self.expires.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn extend_to(&self, end: Instant) {
        *self.expires.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}
