//! Leases: a received message is ours until its visibility timeout is over, and the heartbeat
//! extends that for as long as a handler works on it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::Running;
use crate::transport::{BATCH, Delivery, LONGEST_VISIBILITY};
use crate::{ConsumerOptions, QueueSpec};

/// The messages that one consumer holds.
pub(super) struct Leases {
    visibility: Duration,
    longest: Duration,
    held: Mutex<HashMap<u64, Arc<Lease>>>,
    /// How many there ever were.
    count: AtomicU64,
    /// Told when any of them is lost.
    any_lost: Notify,
}

/// One message that is ours for a time.
pub(super) struct Lease {
    number: u64,
    delivery: Arc<Delivery>,
    since: Instant,
    expires: Mutex<Instant>,
    /// Locked while the heartbeat extends it, so that its end can wait for that.
    extending: tokio::sync::Mutex<()>,
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

    /// A lease of each message of one poll.
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

    /// Ends the heartbeats of messages, and waits for those that are under way.
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
            let told = self.any_lost.notified();
            if leases.clone().any(Lease::is_lost) {
                return;
            }
            told.await;
        }
    }

    fn lose(&self, lease: &Lease) {
        self.held().remove(&lease.number);
        lease.lost.store(true, Ordering::Release);
        self.any_lost.notify_waiters();
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, Arc<Lease>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those in the second half of their time. Those whose time is over are lost.
    fn due(&self) -> Vec<Arc<Lease>> {
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

    /// Whether the message may be somebody else's.
    pub(super) fn is_over(&self) -> bool {
        self.is_lost() || self.expires() <= Instant::now()
    }

    fn expires(&self) -> Instant {
        *self.expires.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Runs as long as the consumer.
    pub(super) async fn heartbeat(self: Arc<Self>) {
        // Often enough that a failed extension is tried again several times.
        let beat = (self.leases.visibility / 8).max(Duration::from_millis(50));
        let mut extensions = FuturesUnordered::new();
        let mut beats = interval(beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // One that hangs keeps nobody from seeing that leases end.
                _ = beats.tick() => {
                    let due = self.leases.due();
                    for leases in due.chunks(BATCH) {
                        extensions.push(self.extend(leases.to_vec()));
                    }
                }
                Some(()) = extensions.next() => {}
            }
        }
    }

    async fn extend(&self, leases: Vec<Arc<Lease>>) {
        let mut held = vec![];
        for lease in &leases {
            // Else it is being extended already, or settled.
            if let Ok(guard) = lease.extending.try_lock()
                && self.leases.held().contains_key(&lease.number)
            {
                held.push((lease, guard));
            }
        }
        let visibility = self.leases.visibility;
        let receipts: Vec<_> = held
            .iter()
            .map(|(lease, _)| (lease.delivery.receipt.clone(), visibility))
            .collect();
        let Some(end) = held.iter().map(|(lease, _)| lease.expires()).min() else {
            return;
        };

        let asked = Instant::now();
        let hiding = self.transport.hide(&self.spec.name, &receipts);
        let Ok(settled) = timeout_at(end, hiding).await else {
            return; // The next beat sees that it is over.
        };
        for ((lease, _guard), outcome) in held.iter().zip(settled) {
            match outcome {
                Ok(()) => {
                    let mut expires = lease.expires.lock().unwrap_or_else(PoisonError::into_inner);
                    *expires = asked + visibility;
                }
                Err(refused) if refused.is_final => self.leases.lose(lease),
                // There is time for another beat.
                Err(_) => {}
            }
        }
    }
}
