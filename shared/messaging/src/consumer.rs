//! The consumer: receives messages of one queue, has them handled, and settles each.
//!
//! ```text
//! pollers ─ receive ─▶ prepare (each message) ─▶ lane (a transaction a batch) ─▶ settle
//!    └─ permits: never more in flight than can start      heartbeat: keeps them hidden
//! ```

mod drained;
mod lanes;
mod lease;
mod ordered;
mod outcome;
mod poll;
mod settle;
mod work;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::drained::Drained;
use self::drained::Tally;
use self::lease::Leases;
use self::outcome::InFlight;
use self::settle::Settlement;
use crate::connections::Connections;
use crate::handler::{Handler, PlainHandler, TwoPhaseHandler};
use crate::process::{OnePhase, Plain, Process, Transactional, TwoPhases};
use crate::topology::QueueKind;
use crate::transport::BATCH;
use crate::{Backoff, Health, QueueSpec, Relay, Transport};

/// Settings of a consumer; the defaults are meant to be left alone.
#[derive(Clone, PartialEq, Debug)]
pub struct Limits {
    /// Messages that are received and not settled, at most [64]: enough to keep a database busy,
    /// and few enough to be done in the time that a process has to stop.
    pub in_flight: usize,
    /// Polls that are open at once, at most [16]; never more than can fill `in_flight`. There is
    /// one while the queue is quiet, and one more after every full batch.
    pub pollers: usize,
    /// The least time between two polls of a poller while messages come one by one [25 ms]. It
    /// makes batches of them, and so pays for itself in calls and transactions. A message that
    /// comes after a rest never waits for it.
    pub batch_wait: Duration,
    /// Messages that share a transaction at most [64].
    pub batch: usize,
    /// Transactions of this consumer that are open at once [1]: what arrives meanwhile shares the
    /// next, so under load batches grow and statements a message shrink.
    pub lanes: usize,
    /// Between attempts at a message [1 s, doubled up to 15 min, jittered].
    pub backoff: Backoff,
    /// How long heartbeats keep one message hidden, at most [15 min; SQS's limit is 12 h]. A
    /// handler that takes longer is cancelled, and the message comes back.
    pub longest_lease: Duration,
    /// How long acknowledgements are collected to be sent together [10 ms].
    pub linger: Duration,
    /// The time to end in when it is told to [30 s].
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            in_flight: 64,
            pollers: 16,
            batch_wait: Duration::from_millis(25),
            batch: 64,
            lanes: 1,
            backoff: Backoff::MESSAGE,
            longest_lease: Duration::from_secs(15 * 60),
            linger: Duration::from_millis(10),
            shutdown: Duration::from_secs(30),
        }
    }
}

/// A queue and the handler of its messages.
pub struct Consumer(Box<dyn Start + Send + Sync>);

/// What is left of the consumer's type once it is built.
trait Start {
    fn limits(&mut self) -> &mut Limits;
    fn health(&mut self) -> &mut Health;
    fn start(
        self: Box<Self>,
        shutdown: CancellationToken,
    ) -> futures::future::BoxFuture<'static, Drained>;
}

struct Parts<P> {
    spec: QueueSpec,
    transport: Transport,
    health: Health,
    limits: Limits,
    process: P,
}

/// A consumer that is running, shared by all of its tasks.
struct Running<P: Process> {
    spec: QueueSpec,
    transport: Transport,
    health: Health,
    limits: Limits,
    process: P,
    permits: Arc<Semaphore>,
    pollers: AtomicUsize,
    leases: Arc<Leases>,
    tally: Tally,
    polling: TaskTracker,
    working: TaskTracker,
    ready: mpsc::UnboundedSender<Vec<(InFlight, P::Outside)>>,
    settlements: mpsc::UnboundedSender<(InFlight, Settlement)>,
    /// Nothing new is started.
    stop: CancellationToken,
    /// What is started is ended.
    kill: CancellationToken,
}

impl Consumer {
    /// Handles each message in a transaction of `db`; `relay` sends what that pushes.
    pub fn new<H: Handler>(
        spec: QueueSpec,
        transport: &Transport,
        db: &PgPool,
        relay: &Relay,
        handler: H,
    ) -> Consumer {
        let work = OnePhase(handler);
        let (db, relay) = (Connections::new(db), relay.clone());
        Consumer::with(spec, transport, Transactional { work, db, relay })
    }

    /// The same, with a phase before the transaction.
    pub fn two_phase<H: TwoPhaseHandler>(
        spec: QueueSpec,
        transport: &Transport,
        db: &PgPool,
        relay: &Relay,
        handler: H,
    ) -> Consumer {
        let work = TwoPhases(handler);
        let (db, relay) = (Connections::new(db), relay.clone());
        Consumer::with(spec, transport, Transactional { work, db, relay })
    }

    /// Handles each message without a database.
    pub fn plain<H: PlainHandler>(spec: QueueSpec, transport: &Transport, handler: H) -> Consumer {
        Consumer::with(spec, transport, Plain(handler))
    }

    /// Changes the settings: `consumer.limits(|limits| limits.lanes = 4)`.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Consumer {
        change(self.0.limits());
        self
    }

    /// How many messages are received and not settled, at most. See [`Limits::in_flight`].
    pub fn in_flight(self, most: usize) -> Consumer {
        self.limits(|limits| limits.in_flight = most.max(1))
    }

    /// Shares `health` with others of the process.
    pub fn health(mut self, health: Health) -> Consumer {
        *self.0.health() = health;
        self
    }

    /// Consumes until `shutdown`, and then ends what was begun.
    pub async fn run(self, shutdown: CancellationToken) -> Drained {
        self.0.start(shutdown).await
    }

    fn with<P: Process>(spec: QueueSpec, transport: &Transport, process: P) -> Consumer {
        Consumer(Box::new(Parts {
            spec,
            transport: transport.clone(),
            health: Health::default(),
            limits: Limits::default(),
            process,
        }))
    }
}

impl<P: Process> Start for Parts<P> {
    fn limits(&mut self) -> &mut Limits {
        &mut self.limits
    }

    fn health(&mut self) -> &mut Health {
        &mut self.health
    }

    fn start(
        self: Box<Self>,
        shutdown: CancellationToken,
    ) -> futures::future::BoxFuture<'static, Drained> {
        Box::pin(run(*self, shutdown))
    }
}

async fn run<P: Process>(parts: Parts<P>, stop: CancellationToken) -> Drained {
    let (ready, queue_of_ready) = mpsc::unbounded_channel();
    let (settlements, to_settle) = mpsc::unbounded_channel();
    let running = Arc::new(Running {
        permits: Arc::new(Semaphore::new(parts.limits.in_flight)),
        pollers: AtomicUsize::new(0),
        leases: Arc::new(Leases::new(&parts.spec, &parts.limits)),
        tally: Tally::default(),
        polling: TaskTracker::new(),
        working: TaskTracker::new(),
        ready,
        settlements,
        stop,
        kill: CancellationToken::new(),
        spec: parts.spec,
        transport: parts.transport,
        health: parts.health,
        limits: parts.limits,
        process: parts.process,
    });

    let heart = tokio::spawn(running.clone().heartbeat());
    let settler = tokio::spawn(running.clone().settle(to_settle));
    let lanes = tokio::spawn(running.clone().lanes(queue_of_ready));
    running.add_poller();
    running.stop.cancelled().await;

    let drained = running.drain().await;
    for task in [heart, settler, lanes] {
        task.abort();
        // It was aborted, or it panicked and said so.
        let _ = task.await;
    }
    drained
}

impl<P: Process> Running<P> {
    /// Waits for everything that was begun, up to the deadline; what is stuck is let go.
    async fn drain(&self) -> Drained {
        let deadline = tokio::time::Instant::now() + self.limits.shutdown;
        // What is killed at the deadline still has to be released.
        let margin = (self.limits.shutdown / 10).min(Duration::from_secs(2));
        let all = self.limits.in_flight as u32;
        let settled = async {
            self.polling.close();
            self.polling.wait().await;
            // A permit is held until its message is settled.
            let _ = self.permits.acquire_many(all).await;
        };
        if tokio::time::timeout_at(deadline - margin, settled)
            .await
            .is_err()
        {
            self.kill.cancel();
            let released = self.permits.acquire_many(all);
            let _ = tokio::time::timeout_at(deadline, released).await;
        }
        let unsettled = self.limits.in_flight - self.permits.available_permits();
        self.tally.drained(unsettled)
    }

    fn is_fifo(&self) -> bool {
        self.spec.kind() == QueueKind::Fifo
    }

    /// As many polls as can be filled at once.
    fn most_pollers(&self) -> usize {
        self.limits
            .in_flight
            .div_ceil(BATCH)
            .clamp(1, self.limits.pollers.max(1))
    }
}
