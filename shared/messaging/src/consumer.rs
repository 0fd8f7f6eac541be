//! The consumer: receives messages of one queue, has them handled, and settles each.
//!
//! ```text
//! pollers ─ receive ─▶ prepare (each message) ─▶ lane (a transaction a batch) ─▶ settle
//!    └─ permits: never more in flight than can start      heartbeat: keeps them hidden
//! ```

mod bury;
mod delete;
mod drained;
mod lanes;
mod lease;
mod limits;
mod ordered;
mod outcome;
mod poll;
mod settle;
mod untried;
mod work;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgPool;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_layer::Layer;
use tower_service::Service;

use self::delete::Undeleted;
pub use self::drained::Drained;
use self::drained::Tally;
use self::lease::Leases;
pub use self::limits::Limits;
use self::outcome::InFlight;
use self::settle::Settlement;
use self::untried::Untried;
use crate::connections::Connections;
use crate::handler::{BatchHandler, PlainHandler, TwoPhaseBatchHandler};
use crate::layer::{Attempt, BoxError, Handling};
use crate::process::{OnePhase, Outside, Plain, Process, Transactional, TwoPhases};
use crate::topology::QueueKind;
use crate::transport::BATCH;
use crate::{Health, QueueSpec, Relay, Transport, telemetry};

/// A queue and the handler of its messages.
pub struct Consumer {
    spec: QueueSpec,
    transport: Transport,
    health: Health,
    limits: Limits,
    layers: Handling,
    process: Arc<dyn Process>,
}

/// A consumer that is running, shared by all of its tasks.
struct Running {
    spec: QueueSpec,
    transport: Transport,
    health: Health,
    limits: Limits,
    layers: Handling,
    process: Arc<dyn Process>,
    permits: Arc<Semaphore>,
    /// Whose turn it is to take permits.
    turn: Mutex<()>,
    pollers: AtomicUsize,
    leases: Arc<Leases>,
    tally: Tally,
    untried: Untried,
    undeleted: Undeleted,
    polling: TaskTracker,
    working: TaskTracker,
    ready: mpsc::UnboundedSender<Vec<(InFlight, Outside)>>,
    settlements: mpsc::UnboundedSender<(InFlight, Settlement)>,
    /// Nothing new is started.
    stop: CancellationToken,
    /// What is started is ended.
    kill: CancellationToken,
}

impl Consumer {
    /// Handles each message in a transaction of `db`; `relay` sends what that pushes.
    pub fn new<H: BatchHandler>(
        spec: QueueSpec,
        transport: &Transport,
        db: &PgPool,
        relay: &Relay,
        handler: H,
    ) -> Consumer {
        let work = Box::new(OnePhase(handler));
        let (db, relay) = (Connections::new(db), relay.clone());
        Consumer::with(spec, transport, Transactional { work, db, relay })
    }

    /// The same, with a phase before the transaction.
    pub fn two_phase<H: TwoPhaseBatchHandler>(
        spec: QueueSpec,
        transport: &Transport,
        db: &PgPool,
        relay: &Relay,
        handler: H,
    ) -> Consumer {
        let work = Box::new(TwoPhases(handler));
        let (db, relay) = (Connections::new(db), relay.clone());
        Consumer::with(spec, transport, Transactional { work, db, relay })
    }

    /// Handles each message without a database.
    pub fn plain<H: PlainHandler>(spec: QueueSpec, transport: &Transport, handler: H) -> Consumer {
        Consumer::with(spec, transport, Plain(handler))
    }

    /// Changes the settings: `consumer.limits(|limits| limits.lanes = 4)`.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Consumer {
        change(&mut self.limits);
        self
    }

    /// How many messages are received and not settled, at most. See [`Limits::in_flight`].
    pub fn in_flight(self, most: usize) -> Consumer {
        self.limits(|limits| limits.in_flight = most.max(1))
    }

    /// Shares `health` with others of the process.
    pub fn health(mut self, health: Health) -> Consumer {
        self.health = health;
        self
    }

    /// Puts a layer of [tower](https://docs.rs/tower) around the handling of messages, such as a
    /// timeout or a limit. The last one added is the outermost. What a request is, see [`Attempt`];
    /// [there](Attempt#a-timeout-a-limit-and-a-layer-of-ones-own) is an example, too.
    pub fn layer<L>(mut self, layer: L) -> Consumer
    where
        L: Layer<Handling>,
        L::Service: Service<Attempt, Response = ()> + Clone + Send + Sync + 'static,
        <L::Service as Service<Attempt>>::Error: Into<BoxError>,
        <L::Service as Service<Attempt>>::Future: Send,
    {
        self.layers = self.layers.wrapped(layer);
        self
    }

    /// The same layers as others have, sharing their limits.
    pub(crate) fn layers(mut self, layers: Handling) -> Consumer {
        self.layers = layers;
        self
    }

    /// Consumes until `shutdown`, and then ends what was begun.
    pub fn run(self, shutdown: CancellationToken) -> BoxFuture<'static, Drained> {
        run(self, shutdown).boxed()
    }

    fn with(spec: QueueSpec, transport: &Transport, process: impl Process + 'static) -> Consumer {
        Consumer {
            spec,
            transport: transport.clone(),
            health: Health::default(),
            limits: Limits::default(),
            layers: Handling::default(),
            process: Arc::new(process),
        }
    }
}

async fn run(consumer: Consumer, stop: CancellationToken) -> Drained {
    let (ready, queue_of_ready) = mpsc::unbounded_channel();
    let (settlements, to_settle) = mpsc::unbounded_channel();
    let running = Arc::new(Running {
        permits: Arc::new(Semaphore::new(consumer.limits.in_flight)),
        turn: Mutex::default(),
        pollers: AtomicUsize::new(0),
        leases: Arc::new(Leases::new(&consumer.spec, &consumer.limits)),
        tally: Tally::default(),
        untried: Untried::default(),
        undeleted: Undeleted::default(),
        polling: TaskTracker::new(),
        working: TaskTracker::new(),
        ready,
        settlements,
        stop,
        kill: CancellationToken::new(),
        spec: consumer.spec,
        transport: consumer.transport,
        health: consumer.health,
        limits: consumer.limits,
        layers: consumer.layers,
        process: consumer.process,
    });

    let heart = tokio::spawn(running.clone().heartbeat());
    let settler = tokio::spawn(running.clone().settle(to_settle));
    let lanes = tokio::spawn(running.clone().lanes(queue_of_ready));
    running.add_poller();
    running.stop.cancelled().await;

    let drained = running.drain().await;
    telemetry::pollers(&running.spec.name, 0);
    for task in [heart, settler, lanes] {
        task.abort();
        // It was aborted, or it panicked and said so.
        let _ = task.await;
    }
    drained
}

impl Running {
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
