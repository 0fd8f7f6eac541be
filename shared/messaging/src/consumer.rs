//! The consumer: receives messages of one queue, has them handled, and settles each.
//!
//! ```text
//! pollers ─ receive ─▶ prepare (each message) ─▶ lane (a transaction a batch) ─▶ settle
//!    └─ permits: never more in flight than can start      heartbeat: keeps them hidden
//! ```

mod lanes;
mod lease;
mod ordered;
mod outcome;
mod poll;
mod settle;
mod summary;
mod transactor;
mod untried;
mod work;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_layer::Layer;
use tower_service::Service;

use self::lease::Leases;
use self::outcome::InFlight;
use self::settle::Settlement;
use self::summary::Counters;
pub use self::summary::ShutdownSummary;
pub(crate) use self::transactor::Transactor;
use self::untried::Untried;
use crate::handler::layer::{BoxError, HandlerCall, HandlerService};
use crate::handler::{Erased, IntoHandler, PlainHandler, Prepared};
use crate::options::SHUTDOWN_TIMEOUT;
use crate::topology::QueueKind;
use crate::transport::BATCH;
use crate::{ConsumerOptions, Health, QueueSpec, Transport, telemetry};

/// A queue and the handler of its messages.
pub struct Consumer {
    spec: QueueSpec,
    transport: Transport,
    health: Health,
    options: ConsumerOptions,
    shutdown_timeout: Duration,
    layers: HandlerService,
    handler: Arc<Erased>,
    transactor: Option<Arc<Transactor>>,
}

/// A consumer that is running, shared by all of its tasks.
struct Running {
    spec: QueueSpec,
    transport: Transport,
    health: Health,
    options: ConsumerOptions,
    shutdown_timeout: Duration,
    layers: HandlerService,
    handler: Arc<Erased>,
    transactor: Option<Arc<Transactor>>,
    permits: Arc<Semaphore>,
    /// Whose turn it is to take permits.
    turn: Mutex<()>,
    pollers: AtomicUsize,
    leases: Arc<Leases>,
    counters: Counters,
    untried: Untried,
    polling: TaskTracker,
    working: TaskTracker,
    ready: mpsc::UnboundedSender<Vec<(InFlight, Prepared)>>,
    settlements: mpsc::UnboundedSender<(InFlight, Settlement)>,
    /// Nothing new is started.
    stop: CancellationToken,
    /// What is started is ended.
    kill: CancellationToken,
}

impl Consumer {
    /// A consumer without a database, which has `handler` handle each message.
    pub fn plain(
        spec: QueueSpec,
        transport: &Transport,
        handler: impl PlainHandler<Output = ()>,
    ) -> Consumer {
        Consumer::new(spec, transport, handler.into_handler(), None)
    }

    pub(crate) fn new(
        spec: QueueSpec,
        transport: &Transport,
        handler: Erased,
        transactor: Option<Transactor>,
    ) -> Consumer {
        Consumer {
            spec,
            transport: transport.clone(),
            health: Health::default(),
            options: ConsumerOptions::default(),
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            layers: HandlerService::default(),
            handler: Arc::new(handler),
            transactor: transactor.map(Arc::new),
        }
    }

    /// Sets the options.
    pub fn options(mut self, options: ConsumerOptions) -> Consumer {
        self.options = options;
        self
    }

    /// Sets how long a graceful shutdown may take. Default: 30 s.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Consumer {
        self.shutdown_timeout = timeout;
        self
    }

    /// Shares `health` with others of the process.
    pub fn health(mut self, health: Health) -> Consumer {
        self.health = health;
        self
    }

    /// Puts a layer of [tower](https://docs.rs/tower) around the handler, such as a timeout or a
    /// limit. The last one added is the outermost. [`HandlerCall`] is the request, and has an
    /// [example](HandlerCall#a-timeout-a-limit-and-a-layer-of-ones-own).
    pub fn layer<L>(self, layer: L) -> Consumer
    where
        L: Layer<HandlerService>,
        L::Service: Service<HandlerCall, Response = ()> + Clone + Send + Sync + 'static,
        <L::Service as Service<HandlerCall>>::Error: Into<BoxError>,
        <L::Service as Service<HandlerCall>>::Future: Send,
    {
        self.layered(&HandlerService::layered(layer))
    }

    /// Puts a layer around the handler that others may have, too.
    pub(crate) fn layered(mut self, layer: &HandlerService) -> Consumer {
        self.layers = layer.around(&self.layers);
        self
    }

    /// Consumes until `shutdown`, and then ends what was begun.
    pub fn run(self, shutdown: CancellationToken) -> BoxFuture<'static, ShutdownSummary> {
        run(self, shutdown).boxed()
    }
}

async fn run(consumer: Consumer, stop: CancellationToken) -> ShutdownSummary {
    let (ready, queue_of_ready) = mpsc::unbounded_channel();
    let (settlements, to_settle) = mpsc::unbounded_channel();
    let running = Arc::new(Running {
        permits: Arc::new(Semaphore::new(consumer.options.in_flight.max(1))),
        turn: Mutex::default(),
        pollers: AtomicUsize::new(0),
        leases: Arc::new(Leases::new(&consumer.spec, &consumer.options)),
        counters: Counters::default(),
        untried: Untried::default(),
        polling: TaskTracker::new(),
        working: TaskTracker::new(),
        ready,
        settlements,
        stop,
        kill: CancellationToken::new(),
        spec: consumer.spec,
        transport: consumer.transport,
        health: consumer.health,
        options: consumer.options,
        shutdown_timeout: consumer.shutdown_timeout,
        layers: consumer.layers,
        handler: consumer.handler,
        transactor: consumer.transactor,
    });

    let heart = tokio::spawn(running.clone().heartbeat());
    let settler = tokio::spawn(running.clone().settle(to_settle));
    let lanes = tokio::spawn(running.clone().lanes(queue_of_ready));
    running.add_poller();
    running.stop.cancelled().await;

    let summary = running.drain().await;
    telemetry::pollers(&running.spec.name, 0);
    for task in [heart, settler, lanes] {
        task.abort();
        // It was aborted, or it panicked and said so.
        let _ = task.await;
    }
    summary
}

impl Running {
    /// Waits for everything that was begun, up to the deadline; what is stuck is let go.
    async fn drain(&self) -> ShutdownSummary {
        let deadline = tokio::time::Instant::now() + self.shutdown_timeout;
        // What is killed at the deadline still has to be released.
        let margin = (self.shutdown_timeout / 10).min(Duration::from_secs(2));
        let all = self.options.in_flight.max(1) as u32;
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
        let unacknowledged = self.options.in_flight.max(1) - self.permits.available_permits();
        self.counters.summary(unacknowledged)
    }

    fn is_fifo(&self) -> bool {
        self.spec.kind() == QueueKind::Fifo
    }

    /// As many polls as can be filled at once.
    fn most_pollers(&self) -> usize {
        self.options
            .in_flight
            .div_ceil(BATCH)
            .clamp(1, self.options.pollers.max(1))
    }
}
